import { describe, expect, test } from 'vitest';
import { quoted } from '#agent/secrets/quote.ts';
import { Secret } from '#config/secret.ts';

const LENGTH = 300_000;

describe('what a server said', () => {
  test.each([
    ['beginnings of web tokens', '-eyJa'],
    ['beginnings of tokens of Vault', 's.hvs.'],
    ['spaces', ' '],
    ['digits', '1'],
    ['what is almost a credential', `${'a'.repeat(39)}-`],
  ])('is quoted soon, also a long text of %s', (_what, unit) => {
    expect(quoted(unit.repeat(LENGTH / unit.length)).length).toBeLessThanOrEqual(300);
  });

  test('shows no part of a secret where it was cut', () => {
    const secret = new Secret('canary one-canary two-canary three');
    // So short after what repeats is gone that the place of the cut would be shown.
    const text = secret.reveal().repeat(1000);
    for (let shift = 0; shift < 40; shift += 1)
      expect(quoted(`${'.'.repeat(shift)}${text}`, [secret])).not.toMatch(/canary|one|two|thr/);
  });

  test('shows neither a web token nor the beginning of one, and nothing that a terminal obeys', () => {
    expect(quoted('no eyJhbGciOi.eyJzdWIi.c2ln here, nor eyJhbGciOi')).toBe('no [redacted] here, nor [redacted]');
    expect(quoted('a\u001b[2J\u202Eb\u2028c\nd')).toBe('a [2J b c d');
  });
});
