import { isUnderstood, QUIET, type Runner } from './runner.ts';
import { emptyState, type State } from './state.ts';
import { statementId } from './units.ts';

/** Reads what was never run: subroutines that nobody calls, arms that are not taken, what stands behind EXIT SCRIPT. */
export const lookAtTheRest = (runner: Runner, state: State): void => {
  for (const unit of runner.units) {
    for (const raw of unit.statements) {
      if (runner.session.counted(statementId(unit, raw))) continue;
      const source = unit.text.slice(raw.start, raw.end);
      // With holes for all variables, or with what they were at the end: either may be what was meant.
      const understood = [emptyState(), state].some((known) => {
        const [expanded] = QUIET.has(raw.kind) ? [] : runner.expand(source, known, new Set());
        return runner.parse(expanded?.text ?? '').every(isUnderstood);
      });
      runner.count(unit, raw, understood);
    }
  }
};
