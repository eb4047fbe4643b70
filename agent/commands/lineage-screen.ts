import { wholePath } from '#agent/lineage/file-place.ts';
import type { FieldLineage, Origin, ScriptLineage, Source } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import { printable } from '#protocol/printable.ts';
import { folded } from './folded.ts';

const WIDTH = 80;
/** Where the origins of fields begin; a field with a longer name has a line of its own. */
const ORIGINS = 29;
/** What a person reads of one script; `--json` has all. */
const MOST_DIAGNOSTICS = 20;

/** The lineage of a script as a tree for people, 80 columns wide, with nothing cut off. `title`: the file or the app. */
export const lineageScreen = (title: string, lineage: ScriptLineage): string => {
  const { statements, tables, stores, datasets, cut } = lineage;
  if (statements.total === 0 && lineage.diagnostics.length === 0)
    return `${line('', title)}\nThere is no statement in it.\n`;
  const parts = [
    `${line('', title)}\n${line('', summary(lineage))}`,
    ...(cut === undefined
      ? []
      : [line('', `Cut short by the limit on ${cut}: what stands here is right, and not all.`)]),
    ...tables
      .toSorted((a, b) => Number(b.final) - Number(a.final))
      .map(({ name, fields, final, open, conditional }) =>
        block(
          `${name}${notes([final ? undefined : 'dropped', conditional ? 'on a condition' : undefined, open ? 'and more fields' : undefined])}`,
          fields,
        ),
      ),
    ...stores.map(({ target, directory, table, fields, open }) =>
      block(
        `STORE ${table} INTO ${wholePath({ path: target, directory })}${notes([open ? 'and more fields' : undefined])}`,
        fields,
      ),
    ),
    datasets.length === 0
      ? ''
      : [
          'Read and written',
          ...datasets.map(({ source, reads, writes }) =>
            line(`  ${reads && writes ? 'both ' : writes ? 'write' : 'read '}  `, placeName(source)),
          ),
        ].join('\n'),
    diagnosticText(lineage),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

/** How much was understood. What a missing include would have done nobody knows: then it is not all of the script. */
const summary = ({ statements: { total, understood, opaque }, wanted }: ScriptLineage): string => {
  const share = total === 0 ? 100 : Math.floor((understood / total) * 100);
  const missing = new Set(wanted.flatMap(({ type, name }) => (type === 'include' ? [name] : []))).size;
  return [
    `${total} ${total === 1 ? 'statement' : 'statements'}, ${share} % ${missing > 0 ? 'of them ' : ''}understood`,
    ...(opaque > 0 ? [`${opaque} not`] : []),
    ...(missing > 0 ? [`${missing} included ${missing === 1 ? 'script' : 'scripts'} not read`] : []),
  ].join(', ');
};

/** As {@link sourceName} has it, counted from what DIRECTORY said. */
const placeName = (source: Source): string =>
  sourceName(source.type === 'file' ? { ...source, path: wholePath(source) } : source);

/** What does not fit beside `head` stands below its end. */
const line = (head: string, text: string): string =>
  folded(head, printable(text), WIDTH, head === '' ? 4 : head.length).join('\n');

const notes = (all: readonly (string | undefined)[]): string => {
  const said = all.filter((note) => note !== undefined);
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
};

const block = (title: string, fields: readonly FieldLineage[]): string =>
  [line('', title), ...fields.flatMap(fieldLines)].join('\n');

/** `  Amount                     ← Net, Rate (key) · lib://Data/sales.qvd`, one for each source. */
const fieldLines = ({ name, origins }: FieldLineage): string[] => {
  const bySource = new Map<string, Origin[]>();
  for (const origin of origins) {
    const source = placeName(origin.source);
    bySource.set(source, [...(bySource.get(source) ?? []), origin]);
  }
  const label = `  ${printable(name)}`;
  const fits = label.length < ORIGINS;
  if (bySource.size === 0) return [line('  ', name)];
  const lines = [...bySource].map(([source, from], index) => {
    const columns = [...new Set(from.map(columnText))].join(', ');
    const head = `${(index === 0 && fits ? label : '').padEnd(ORIGINS)}← `;
    return line(head, `${columns} · ${source}`);
  });
  return fits ? lines : [line('  ', name), ...lines];
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
      return line('  - ', `${severity}, ${where}: ${message} [${code}]`);
    });
  const more = diagnostics.length > shown.length ? [`  and ${diagnostics.length - shown.length} more`] : [];
  const missing = diagnostics.some(({ code }) => code.endsWith('include-missing'))
    ? [line('  ', 'Included scripts are looked for beside the script; --includes names another folder.')]
    : [];
  return ['What is not sure', ...shown, ...more, ...missing].join('\n');
};
