import { expect, test } from 'vitest';
import { formatProblem, Problems, wrap } from '#config/connection/problem.ts';

const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('a problem holds no more of what a server said than a person reads, and nothing that steers a terminal', () => {
  const problems = new Problems('q.conf');
  problems.error('secrets.refused', undefined, `no KV engine (\u001b[2J${'x'.repeat(300_000)})`, 'y'.repeat(300_000));
  const [problem] = problems.list();
  expect(problem?.message).toMatch(/^no KV engine \(\uFFFD\[2Jx+…$/);
  expect(problem?.message.length).toBeLessThanOrEqual(2000);
  expect(problem?.advice.length).toBeLessThanOrEqual(2000);
});

test('a problem is printed without what a terminal would obey, whoever made it', () => {
  const text = formatProblem({
    severity: 'error',
    code: 'config.invalid',
    message: 'wrong\u001b]0;x\u0007 \u202Eeno',
    advice: 'mend\u009b1m it\u2028now',
    file: 'a\u001b[31m.conf',
    line: 1,
    column: 3,
    excerpt: 'a = \u2066b\u001b',
  });
  expect(text.split('\n')).toHaveLength(4);
  expect(text.replaceAll('\n', '')).not.toMatch(ODD);
  expect(text).toContain('1 | a = \uFFFDb\uFFFD');
});

test('a wrapped text breaks where lines are full only', () => {
  expect(wrap('one\ntwo\u001b[2K\u200Bthree', 40, '')).toBe('one two\uFFFD[2K\uFFFDthree');
});
