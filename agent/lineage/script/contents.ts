import { statements } from './statements.ts';

/** A file that a script takes its text from where it stands. */
export interface Include {
  /** As written between `=` and `)`, without quotes or brackets; variables in it are not expanded. */
  readonly path: string;
  /** `$(Must_Include=…)`: the reload fails without it. */
  readonly must: boolean;
  /** 1-based, within the text that was read. */
  readonly line: number;
}

/** What a section of a script holds, as far as it can be told without running it. */
export interface ScriptContents {
  readonly statements: number;
  /** How many of each kind, comments and remarks left out. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Names that SET and LET give values to. */
  readonly variables: readonly string[];
  /** Labels of MAPPING LOAD. */
  readonly mappings: readonly string[];
  readonly subroutines: readonly string[];
  /** Names of data connections that LIB CONNECT TO opens. */
  readonly connections: readonly string[];
  readonly includes: readonly Include[];
  readonly sectionAccess: boolean;
}

const MOST = 500;
/** Longer ones are not looked at for names: no name lies so far behind the start. */
const HEAD = 2_000;
const NAME = String.raw`(\[[^\]\r\n]{1,300}\]|"[^"\r\n]{1,300}"|[^\s:;'"[\](),=]{1,300})`;
const ASSIGNED = new RegExp(String.raw`^(?:(?:set|let)\s{1,50})?${NAME}\s{0,50}=`, 'i');
const LABELLED = new RegExp(String.raw`^${NAME}\s{0,20}:`);
const SUB = new RegExp(String.raw`^sub\s{1,50}${NAME}`, 'i');
const CONNECTED =
  /\blib\s{1,20}connect\s{1,20}to\s{1,20}(?:'([^'\r\n]{1,300})'|\[([^\]\r\n]{1,300})\]|"([^"\r\n]{1,300})")/i;
const INCLUDED = /^\$\(\s{0,10}(must_)?include\s{0,10}=\s{0,10}(.{0,2000})$/is;

/** Reads a section of a script, or a whole one. Time grows with the length. */
export const scriptContents = (text: string): ScriptContents => {
  const kinds = new Map<string, number>();
  const lists = {
    variables: new Set<string>(),
    mappings: new Set<string>(),
    subroutines: new Set<string>(),
    connections: new Set<string>(),
  };
  const includes: Include[] = [];
  const add = (list: keyof typeof lists, name: string | undefined): void => {
    const bare = bareName(name ?? '');
    // A name that is made when the script runs is not known here.
    if (bare !== '' && !bare.includes('$(') && lists[list].size < MOST) lists[list].add(bare);
  };
  let sectionAccess = false;
  let [lines, counted] = [1, 0];
  for (const { kind, start, end } of statements(text)) {
    if (kind === 'rem') continue;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const head = text.slice(start, Math.min(end, start + HEAD));
    switch (kind) {
      case 'set':
      case 'let':
        add('variables', ASSIGNED.exec(head)?.[1]);
        break;
      case 'mapping':
        add('mappings', LABELLED.exec(head)?.[1]);
        break;
      case 'sub':
        add('subroutines', SUB.exec(head)?.[1]);
        break;
      case 'section':
        sectionAccess ||= /^section\s{1,50}access\b/i.test(head);
        break;
      case 'connect': {
        const names = CONNECTED.exec(head);
        add('connections', names?.[1] ?? names?.[2] ?? names?.[3]);
        break;
      }
      case 'include': {
        const [, must, path = ''] = INCLUDED.exec(head) ?? [];
        lines += linesBetween(text, counted, start);
        counted = start;
        if (path.trim() !== '' && includes.length < MOST) {
          includes.push({ path: bareName(path.replace(/\)\s*$/, '')), must: must !== undefined, line: lines });
        }
        break;
      }
    }
  }
  const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  return {
    statements: total,
    kinds,
    variables: [...lists.variables],
    mappings: [...lists.mappings],
    subroutines: [...lists.subroutines],
    connections: [...lists.connections],
    includes,
    sectionAccess,
  };
};

const bareName = (name: string): string =>
  name
    .trim()
    .replace(/^(?:\[(.*)\]|"(.*)"|'(.*)')$/s, '$1$2$3')
    .trim();

const linesBetween = (text: string, from: number, to: number): number => {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
};
