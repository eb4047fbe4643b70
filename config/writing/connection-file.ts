import { Fault } from '#protocol/errors.ts';
import { wrap } from '../connection/problem.ts';
import { hoconValue, needsHocon, plainText, type WrittenValue } from './value.ts';

/** What a connection file is written from: its values in order, with notes for people between them. */
export type Item =
  | {
      readonly type: 'value';
      readonly path: readonly string[];
      readonly value: WrittenValue;
      /** Stands above it. */
      readonly note?: string;
    }
  | {
      readonly type: 'note';
      /** Path of the object that it stands in; empty for the file itself. */
      readonly in: readonly string[];
      readonly text: string;
    };

export type FileFormat = 'hocon' | 'yaml' | 'json';

const WIDTH = 80;
/** Where an editor finds the schema: beside the file, as `culvert schema connection` prints it. */
export const SCHEMA_FILE = 'connection.schema.json';

/** The format that the name of a file asks for. */
export const formatOf = (path: string): FileFormat => {
  if (/\.ya?ml$/i.test(path)) return 'yaml';
  return /\.json$/i.test(path) ? 'json' : 'hocon';
};

const key = (part: string): string => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part) ? part : JSON.stringify(part));

const comment = (text: string, indent: string): string => wrap(text, WIDTH, `${indent}# `);

/**
 * The text of a connection file. JSON has no comments: there the notes are left out.
 *
 * @throws Fault `config.invalid` for a substitution in YAML or JSON, which know none
 */
export const connectionText = (items: readonly Item[], format: FileFormat): string => {
  const lost = items.find((item) => item.type === 'value' && needsHocon(item.value));
  if (format !== 'hocon' && lost?.type === 'value')
    throw new Fault('config.invalid', `${lost.path.join('.')} comes from the environment, which only HOCON can say`, {
      advice: 'Let the name of the file to write end in .conf.',
    });
  if (format === 'json') return json(items);
  const lines: string[] = format === 'yaml' ? [`# yaml-language-server: $schema=${SCHEMA_FILE}`] : [];
  let open: readonly string[] = [];
  const indentOf = (depth: number): string => '  '.repeat(depth);
  const enter = (container: readonly string[]): void => {
    let same = 0;
    while (same < open.length && same < container.length && open[same] === container[same]) same += 1;
    for (let depth = open.length; depth > same; depth -= 1)
      if (format === 'hocon') lines.push(`${indentOf(depth - 1)}}`);
    if (same === 0 && (open.length > 0 || container.length > 0) && lines.length > 0) lines.push('');
    for (let depth = same; depth < container.length; depth += 1)
      lines.push(`${indentOf(depth)}${key(container[depth] ?? '')}${format === 'hocon' ? ' {' : ':'}`);
    open = container;
  };
  for (const [i, item] of items.entries()) {
    const container = item.type === 'note' ? item.in : item.path.slice(0, -1);
    enter(container);
    const indent = indentOf(container.length);
    // A note on the file as a whole stands apart.
    if (item.type === 'note') {
      lines.push(comment(item.text, indent), ...(i === 0 ? [''] : []));
      continue;
    }
    if (item.note !== undefined) lines.push(comment(item.note, indent));
    const name = key(item.path.at(-1) ?? '');
    lines.push(
      format === 'hocon' ? `${indent}${name} = ${hoconValue(item.value)}` : yamlLine(indent, name, item.value),
    );
  }
  enter([]);
  return `${lines.join('\n').trimEnd()}\n`;
};

const yamlLine = (indent: string, name: string, value: WrittenValue): string => {
  const text = plainText(value);
  if (value.bare) return `${indent}${name}: ${text}`;
  if (!text.includes('\n') || /[^\P{C}\n]/u.test(text)) return `${indent}${name}: ${JSON.stringify(text)}`;
  return `${indent}${name}: |-\n${text.trimEnd().replaceAll(/^/gm, `${indent}  `)}`;
};

const json = (items: readonly Item[]): string => {
  // Objects without a prototype: a claim may have any name, `__proto__` too.
  const emptyObject = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;
  const root = emptyObject();
  root['$schema'] = SCHEMA_FILE;
  for (const item of items) {
    if (item.type === 'note') continue;
    let at = root;
    for (const part of item.path.slice(0, -1)) {
      at[part] ??= emptyObject();
      at = at[part] as Record<string, unknown>;
    }
    const text = plainText(item.value);
    at[item.path.at(-1) ?? ''] = item.value.bare ? bare(text) : text;
  }
  return `${JSON.stringify(root, null, 2)}\n`;
};

const bare = (text: string): unknown => {
  if (/^(?:true|false)$/.test(text)) return text === 'true';
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
};
