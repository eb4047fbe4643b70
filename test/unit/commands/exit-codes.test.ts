import { expect, test } from 'vitest';
import { EXIT_CODES, exitCodeOf, exitCodesHelp, FINAL_EXIT_CODES, WATCHDOG } from '#agent/commands/exit-codes.ts';
import { ERROR_KINDS, type ErrorCode, Fault } from '#protocol/errors.ts';

test('every error has an exit code of the table, and none is success or wrong usage', () => {
  const known = new Set(EXIT_CODES.map(({ code }) => code));
  for (const code of Object.keys(ERROR_KINDS) as ErrorCode[]) {
    const exit = exitCodeOf(new Fault(code, 'x'));
    expect(known, code).toContain(exit);
    expect([0, 2], code).not.toContain(exit);
  }
});

test.each([
  ['config.invalid', 4],
  ['secrets.missing', 4],
  ['bridge.not_enrolled', 5],
  ['bridge.already_running', 6],
  ['spool.failed', 7],
  ['bridge.enrolment_refused', 8],
  ['bridge.unreachable', 9],
  ['network.refused', 9],
  ['internal', 70],
] as const)('%s ends with %i', (code, exit) => {
  expect(exitCodeOf(new Fault(code, 'x'))).toBe(exit);
});

test('only what a person must mend prevents a restart', () => {
  expect(FINAL_EXIT_CODES).toEqual([2, 4, 5, 6, 8]);
  expect(FINAL_EXIT_CODES).not.toContain(WATCHDOG);
});

test('the table fits a terminal of 80 columns', () => {
  for (const line of exitCodesHelp().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
