import { sourceIdentity } from '../file-place.ts';
import type { Diagnostic, Place, ScriptLineage, TableLineage } from '../result.ts';
import { finalTables, namesIn, ownFields } from './coverage.ts';
import type { Touched } from './touched.ts';
import type { Witnesses } from './witnesses.ts';

const MOST = 200;
const MOST_OF_A_TABLE = 20;
const MOST_NAME = 120;
const START: Place = { file: '', line: 1, endLine: 1, column: 1 };

/** What the script says and nobody saw, and what was seen and the script does not say; the first ones of many. */
export function* differences(lineage: ScriptLineage, witnesses: Witnesses, touched: Touched): Generator<Diagnostic> {
  let told = 0;
  for (const difference of all(lineage, witnesses, touched)) {
    yield difference;
    told += 1;
    if (told >= MOST) return;
  }
}

function* all(lineage: ScriptLineage, witnesses: Witnesses, touched: Touched): Generator<Diagnostic> {
  // What was cut, or what nobody could follow, explains all that is missing.
  if (witnesses.model !== undefined) yield* ofTables(lineage, witnesses.model);
  yield* ofColumns(lineage, witnesses);
  if (touched.isKnown) yield* ofSources(lineage, touched);
}

const shown = (name: string): string =>
  name.length > MOST_NAME ? `${name.slice(0, MOST_NAME).toWellFormed()}…` : name;

const say = (severity: Diagnostic['severity'], code: string, message: string, place: Place): Diagnostic => ({
  severity,
  code: `lineage.${code}`,
  message,
  place,
});

function* ofTables(lineage: ScriptLineage, model: NonNullable<Witnesses['model']>): Generator<Diagnostic> {
  const predicted = finalTables(lineage);
  for (const name of model.keys())
    if (!predicted.has(name))
      yield say(
        'warning',
        'table-missing',
        `The app has the table ${shown(name)}, which the script is not seen to make.`,
        START,
      );
  for (const [name, table] of predicted) {
    const seen = model.get(name);
    if (seen === undefined)
      yield say(
        table.conditional ? 'info' : 'warning',
        'table-extra',
        `The script makes the table ${shown(name)}, which the app does not have.`,
        table.place,
      );
    else yield* ofFields(table, ownFields(seen));
  }
}

function* ofFields(table: TableLineage, seen: ReadonlySet<string>): Generator<Diagnostic> {
  const known = namesIn(table);
  const missing = [...seen].filter((name) => !known.has(name));
  const extra = [...known].filter((name) => !seen.has(name));
  for (const [code, names, told] of [
    ['field-missing', missing, 'which the script is not seen to make'],
    ['field-extra', extra, 'which the app does not have'],
  ] as const) {
    const severity = table.open || table.conditional ? 'info' : 'warning';
    for (const name of names.slice(0, MOST_OF_A_TABLE))
      yield say(severity, code, `${shown(table.name)} has the field ${shown(name)}, ${told}.`, table.place);
    const more = names.length - MOST_OF_A_TABLE;
    if (more > 0) yield say(severity, code, `${shown(table.name)} has ${more} more such fields, ${told}.`, table.place);
  }
}

/** Columns that a script reads of a QVD that has none of the name. */
function* ofColumns(lineage: ScriptLineage, { columns }: Witnesses): Generator<Diagnostic> {
  const told = new Set<string>();
  for (const { fields } of lineage.tables)
    for (const { origins } of fields)
      for (const { source, field, confidence, place } of origins) {
        if (source.type !== 'file' || field === '*' || confidence === 'candidate') continue;
        const key = JSON.stringify([sourceIdentity(source), field]);
        if (told.has(key)) continue;
        told.add(key);
        const known = columns(source);
        if (known !== undefined && !known.includes(field))
          yield say(
            'warning',
            'column-missing',
            `${shown(source.path)} has no column ${shown(field)} any more.`,
            place,
          );
      }
}

function* ofSources(lineage: ScriptLineage, touched: Touched): Generator<Diagnostic> {
  for (const { source, reads, confidence, place, holes } of lineage.datasets) {
    if (!reads || source.type !== 'file' || confidence !== 'exact' || holes.length > 0) continue;
    if (/[*?]/.test(source.path) || touched.reads(source)) continue;
    yield say('info', 'source-untouched', `The last reload did not read ${shown(source.path)}.`, place);
  }
  const read = lineage.datasets.flatMap((use) => (use.reads ? [use.source] : []));
  for (const path of touched.besides(read))
    yield say(
      'info',
      'source-unexplained',
      `The last reload read ${shown(path)}, which the script is not seen to read.`,
      START,
    );
}
