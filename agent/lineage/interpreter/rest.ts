import { QUIET, type Runner } from './runner.ts';
import { emptyState, type State } from './state.ts';
import { isUnderstood } from './understood.ts';
import { statementId } from './units.ts';

/**
 * Reads what was never run: subroutines that nobody calls, arms that are not taken, what stands behind EXIT SCRIPT. What a
 * limit kept from being run, or there is no time to read, is not understood. False: the time was over.
 */
export const lookAtTheRest = (runner: Runner, state: State, isCut: boolean): boolean => {
  let isLate = isCut;
  for (const unit of runner.units) {
    for (const raw of unit.statements) {
      if (runner.session.counted(statementId(unit, raw))) continue;
      isLate ||= runner.session.isLate;
      if (isLate) {
        runner.count(unit, raw, false);
        continue;
      }
      const source = unit.text.slice(raw.start, raw.end);
      // With holes for all variables, or with what they were at the end: either may be what was meant.
      const understood = [emptyState(), state].some((known) => {
        const [expanded] = QUIET.has(raw.kind) ? [] : runner.expand(source, known, new Set());
        return runner.parse(expanded?.text ?? '').every(isUnderstood);
      });
      runner.count(unit, raw, understood);
    }
  }
  return isCut || !isLate;
};
