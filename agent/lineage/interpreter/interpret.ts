import type { Limits, ScriptLineage, Surroundings } from '../result.ts';
import type { AnalyseSql } from '../sql/analysis.ts';
import { finish } from './finish.ts';
import { lookAtTheRest } from './rest.ts';
import { Runner } from './runner.ts';
import { Cut, Session } from './session.ts';
import { emptyState, type State } from './state.ts';
import { unitOf } from './units.ts';
import { unmarked } from './values.ts';

/**
 * Says where the data of a load script comes from, by running it without data: text goes in, lineage comes out. It never
 * throws for what a script says; a limit that cuts the work short is told in `cut`. `now`: a clock in milliseconds.
 */
export const interpret = (
  text: string,
  surroundings: Surroundings,
  limits: Limits,
  analyseSql: AnalyseSql,
  now: () => number = () => performance.now(),
): ScriptLineage => {
  const session = new Session(surroundings, limits, analyseSql, now);
  const runner = new Runner(session);
  const unit = unitOf('', unmarked(text));
  const start = emptyState();
  let end: State | undefined = start;
  try {
    end = runner.runUnit(unit, start, { sub: undefined, loop: undefined });
  } catch (error) {
    // No stack is deep enough for all blocks within subroutines within includes that somebody may write.
    const limit = error instanceof Cut ? error.message : error instanceof RangeError ? 'depth' : undefined;
    if (limit === undefined) throw error;
    session.cut = limit;
    end = runner.latest;
  }
  const reached = session.met;
  if (!lookAtTheRest(runner, end ?? start, session.cut !== undefined)) session.cut = 'time';
  if (session.cut !== undefined) sayCut(session, session.cut, reached);
  return finish(session, end ?? session.ended);
};

const sayCut = (session: Session, limit: string, reached: number): void => {
  const { total } = session.statementCount();
  session.say(
    'warning',
    'limit',
    `the work was cut short by the limit on ${limit}: ${reached} of ${total} statements were reached`,
    { file: '', line: 1, endLine: 1, column: 1 },
  );
};
