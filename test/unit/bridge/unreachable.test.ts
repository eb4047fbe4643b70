import { describe, expect, test } from 'vitest';
import { unreachable } from '#agent/bridge/unreachable.ts';
import { ERROR_KINDS, type ErrorCode, Fault } from '#protocol/errors.ts';

const CODES = (Object.keys(ERROR_KINDS) as ErrorCode[]).filter((code) => /^(network|tls)\./.test(code));

describe('a catalog that cannot be reached', () => {
  test.each(CODES)('%s: the advice speaks of the catalog and not of Qlik', (code) => {
    const seen = unreachable(new Fault(code, 'catalog.example:443: what was seen'));
    expect(seen).toMatchObject({ code: 'bridge.unreachable', retryable: true });
    expect(seen.message).toBe('catalog.example:443: what was seen');
    expect(seen.advice).not.toMatch(/connection\.|QMC|Qlik|verify_host_name/);
  });

  test('whatever else failed gets the advice of an unreachable catalog', () => {
    const { advice } = ERROR_KINDS['bridge.unreachable'];
    expect(unreachable(new Fault('qlik.protocol', 'the answer is larger than 65536 bytes')).advice).toBe(advice);
    expect(unreachable(new Error('odd')).advice).toBe(advice);
  });
});
