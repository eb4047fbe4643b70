import type { Place } from '../result.ts';
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

/** The place of something at `offset` of the unit's text. */
export const placeAt = (unit: Unit, statement: RawStatement, offset: number): Place => {
  if (unit.at !== undefined) return unit.at;
  const before = unit.text.slice(statement.start, Math.max(statement.start, Math.min(offset, statement.end)));
  const lines = before.split('\n');
  const last = lines.at(-1) ?? '';
  const line = statement.line + lines.length - 1;
  const column = lines.length === 1 ? statement.column + last.length : last.length + 1;
  return { file: unit.file, line, endLine: Math.max(line, statement.endLine), column };
};

/** By what a statement is counted: what an expansion made counts as the statement that it made it of. */
export const statementId = (unit: Unit, raw: RawStatement): string =>
  unit.at === undefined ? `${unit.id}:${raw.start}` : unit.id;
