import type { Place } from '../result.ts';
import { Lines } from '../script/lines.ts';
import { type RawStatement, splitScript } from '../script/statements.ts';

/** A text that is run: the script, an include, or what an expansion made of a statement. */
export interface Unit {
  /** '' for the script itself. */
  readonly file: string;
  readonly text: string;
  readonly statements: readonly RawStatement[];
  /** Where a person sees what an expansion made: everything in this unit stands there. */
  readonly at: Place | undefined;
  /** Tells statements of different units apart when they are counted. */
  readonly id: string;
}

export const unitOf = (file: string, text: string, at?: Place, id = file): Unit => ({
  file,
  text,
  statements: splitScript(text),
  at,
  id,
});

export const placeOf = (unit: Unit, statement: RawStatement): Place =>
  unit.at ?? { file: unit.file, line: statement.line, endLine: statement.endLine, column: statement.column };

const LINES = new WeakMap<Unit, Lines>();

const linesOf = (unit: Unit): Lines => {
  const known = LINES.get(unit) ?? new Lines(unit.text);
  LINES.set(unit, known);
  return known;
};

/** The place of something at `offset` of the unit's text. */
export const placeAt = (unit: Unit, statement: RawStatement, offset: number): Place => {
  if (unit.at !== undefined) return unit.at;
  const within = Math.max(statement.start, Math.min(offset, statement.end));
  const { line, column } = linesOf(unit).at(within);
  return { file: unit.file, line, endLine: Math.max(line, statement.endLine), column };
};

/** By what a statement is counted: what an expansion made counts as the statement that it made it of. */
export const statementId = (unit: Unit, raw: RawStatement): string =>
  unit.at === undefined ? `${unit.id}:${raw.start}` : unit.id;
