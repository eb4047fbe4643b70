import type { ScriptLineage } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';

/**
 * What a script should give, as it is written beside it: names of tables (`-` in front: dropped), and below them their
 * fields with where their values come from. `@x = …` stands for a source, a source without a column for the column of the
 * field's name; `> target = table[: fields]` is a store.
 */
type Lines = readonly string[];

/** Each line as often as it is there. */
export const difference = (found: Lines, wanted: Lines): object => {
  const without = (lines: Lines, others: Lines): string[] => {
    const left = [...others];
    return lines.filter((line) => {
      const at = left.indexOf(line);
      if (at !== -1) left.splice(at, 1);
      return at === -1;
    });
  };
  return { missing: without(wanted, found), unexpected: without(found, wanted) };
};

export const found = ({ tables, stores }: ScriptLineage): Lines => [
  ...tables.flatMap(({ name, fields, final }) =>
    fields.map((field) => {
      const origins = field.origins.flatMap(({ source, field: column, role }) => {
        const text = `${sourceName(source)}:${column}`;
        return role === 'value' ? [text] : [];
      });
      return line(final ? name : `-${name}`, field.name, origins);
    }),
  ),
  ...stores.map(({ target, table, fields }) => `${target} = ${table}: ${sorted(fields.map(({ name }) => name))}`),
];

const line = (table: string, field: string, origins: readonly string[]): string =>
  `${table}.${field} < ${[...new Set(origins)].sort().join(', ')}`;

/** Reads what was worked out. */
export function expected(text: string): Lines {
  const names = new Map<string, string>();
  const full = (source: string): string => source.replace(/^@\w+/, (name) => names.get(name) ?? name);
  const lines: string[] = [];
  const byTable = new Map<string, string[]>();
  let table = '';
  for (const row of text.split('\n')) {
    const [left = '', right = ''] = row.split(/ (?:<|=) /);
    if (row.startsWith('@')) names.set(left, right);
    else if (row.startsWith('> ')) {
      const [of = '', some] = right.split(': ');
      const stored = some?.split(', ') ?? byTable.get(of) ?? [];
      lines.push(`${full(left.slice(2))} = ${of}: ${sorted(stored)}`);
    } else if (row.startsWith('  ')) {
      for (const field of left.trim().split(', ')) {
        const origins = right === '' ? [] : right.split(', ').map((one) => originOf(one, field, full));
        lines.push(line(table, field, origins));
        byTable.get(table.replace(/^-/, ''))?.push(field);
      }
    } else if (row !== '') {
      table = row;
      byTable.set(table.replace(/^-/, ''), []);
    }
  }
  return lines;
}

/** `@x:Column`, `@x` for the column of the field's name, or a source as it is. */
const originOf = (written: string, field: string, full: (source: string) => string): string => {
  return `${full(written)}${written.startsWith('@') && !written.includes(':') ? `:${field}` : ''}`;
};

const sorted = (names: readonly string[]): string => [...names].sort().join(', ');
