import type { FieldLineage, Origin, ScriptLineage } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import { wrap } from '#config/connection/problem.ts';
import { printable, shortened } from '#protocol/printable.ts';

const WIDTH = 80;
/** Names of fields and sources are cut, not wrapped: what belongs together stays in one line. */
const MOST_FIELD = 26;
const MOST_COLUMNS = 32;
/** What a person reads of one script; `--json` has all. */
const MOST_DIAGNOSTICS = 20;

/** The lineage of a script as a tree for people, 80 columns wide. `title`: the file or the app. */
export const lineageScreen = (title: string, lineage: ScriptLineage): string => {
  const { statements, tables, stores, datasets, cut } = lineage;
  if (statements.total === 0 && lineage.diagnostics.length === 0)
    return `${line(printable(title))}\nThere is no statement in it.\n`;
  const share = statements.total === 0 ? 100 : Math.floor((statements.understood / statements.total) * 100);
  const parts = [
    `${line(printable(title))}\n${line(`${statements.total} ${statements.total === 1 ? 'statement' : 'statements'}, ${share} % understood${statements.opaque > 0 ? `, ${statements.opaque} not` : ''}`)}`,
    ...(cut === undefined
      ? []
      : [wrap(printable(`Cut short by the limit on ${cut}: what stands here is right, and not all.`), WIDTH, '')]),
    ...tables
      .toSorted((a, b) => Number(b.final) - Number(a.final))
      .map(({ name, fields, final, open, conditional }) =>
        block(
          `${name}${notes([final ? undefined : 'dropped', conditional ? 'on a condition' : undefined, open ? 'and more fields' : undefined])}`,
          fields,
        ),
      ),
    ...stores.map(({ target, table, fields, open }) =>
      block(`STORE ${table} INTO ${target}${notes([open ? 'and more fields' : undefined])}`, fields),
    ),
    datasets.length === 0
      ? ''
      : [
          'Read and written',
          ...datasets.map(({ source, reads, writes }) =>
            line(`  ${reads && writes ? 'both ' : writes ? 'write' : 'read '}  ${printable(sourceName(source))}`),
          ),
        ].join('\n'),
    diagnosticText(lineage),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

const line = (text: string): string => shortened(text, WIDTH);

const notes = (all: readonly (string | undefined)[]): string => {
  const said = all.filter((note) => note !== undefined);
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
};

const block = (title: string, fields: readonly FieldLineage[]): string =>
  [line(printable(title)), ...fields.flatMap(fieldLines)].join('\n');

/** `  Amount                     ← Net, Rate (key) · lib://Data/sales.qvd`, a line for each source. */
const fieldLines = ({ name, origins }: FieldLineage): string[] => {
  const bySource = new Map<string, Origin[]>();
  for (const origin of origins) {
    const source = sourceName(origin.source);
    bySource.set(source, [...(bySource.get(source) ?? []), origin]);
  }
  const label = shortened(printable(name), MOST_FIELD).padEnd(MOST_FIELD);
  if (bySource.size === 0) return [line(`  ${label.trimEnd()}`)];
  return [...bySource].map(([source, from], index) => {
    const columns = [...new Set(from.map(columnText))].join(', ');
    return line(
      `  ${index === 0 ? label : ' '.repeat(MOST_FIELD)} ← ${printable(shortened(columns, MOST_COLUMNS))} · ${printable(source)}`,
    );
  });
};

/** What is not plain of an origin stands behind it: another role than the value's, and when it is not sure. */
const columnText = ({ field, role, confidence }: Origin): string => {
  const sure = confidence === 'exact' || confidence === 'confirmed';
  return `${field}${notes([role === 'value' ? undefined : role, sure ? undefined : confidence])}`;
};

const diagnosticText = ({ diagnostics }: ScriptLineage): string => {
  if (diagnostics.length === 0) return '';
  const order = { error: 0, warning: 1, info: 2 } as const;
  const shown = diagnostics
    .toSorted((a, b) => order[a.severity] - order[b.severity])
    .slice(0, MOST_DIAGNOSTICS)
    .map(({ severity, code, message, place }) => {
      const where = `${place.file === '' ? '' : `${place.file}, `}line ${place.line}, column ${place.column}`;
      return wrap(printable(`- ${severity}, ${where}: ${message} [${code}]`), WIDTH, '  ');
    });
  const more = diagnostics.length > shown.length ? [`  and ${diagnostics.length - shown.length} more`] : [];
  const missing = diagnostics.some(({ code }) => code.endsWith('include-missing'))
    ? ['  Included scripts are looked for beside the script; --includes names another', '  folder.']
    : [];
  return ['What is not sure', ...shown, ...more, ...missing].join('\n');
};
