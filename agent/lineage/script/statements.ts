/** One statement of a load script. */
export interface Statement {
  /** What it does, by its leading word: `load`, `select`, `store`, `set`, `include`, `if`, …; `other` for the unknown. */
  readonly kind: string;
  /** Where it begins and ends, in UTF-16 code units; its `;` is not part of it. */
  readonly start: number;
  readonly end: number;
}

/** Control statements: each stands on one line, with or without a `;`. */
const CONTROL: ReadonlySet<string> = new Set(
  'if elseif else end endif endsub endswitch for next do loop sub call switch case default exit when unless'.split(' '),
);
/** Their text is not code: an apostrophe opens nothing. */
const RAW: ReadonlySet<string> = new Set(['rem', 'trace', 'comment']);
/** Words in front of LOAD and SELECT, with or without a parenthesis behind them. */
const PREFIXES: ReadonlySet<string> = new Set(
  (
    'add replace merge only mapping noconcatenate concatenate left right inner outer join keep crosstable generic ' +
    'hierarchy hierarchybelongsto intervalmatch first sample buffer bundle info semantic partial sql when unless on'
  ).split(' '),
);
const KINDS: ReadonlySet<string> = new Set(
  (
    'load select store drop rename set let alias qualify unqualify map unmap tag untag declare derive directory ' +
    'execute sleep flushlog loosen search nullasvalue nullasnull binary connect disconnect section star direct force ' +
    'sqltables sqlcolumns sqltypes unlock lock errormode hidden'
  ).split(' '),
);
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '"': '"', '`': '`', "'": "'" };
const BLANK = /[\s\u200b\ufeff]*/y;
const LABEL = /(?:\[[^\]\r\n]{0,500}\]|"[^"\r\n]{0,500}"|'[^'\r\n]{0,500}'|[^\s:;'"[\](),=]{1,500})\s{0,20}:(?!\/\/)/y;
const WORD = /[A-Za-z_][\w.]*/y;
const INLINE = /inline\b/iy;
const INCLUDE = /\$\(\s{0,10}(?:must_)?include\b/iy;
const EOL = /[\r\n]/g;

/**
 * The statements of a script or of one of its sections, in order; comments are none. A text in quotes or brackets, an
 * inline table and what TRACE and REM say are never taken for code. What the expansion of variables would make of it is
 * not known here. Time grows with the length.
 */
export function* statements(script: string): Generator<Statement> {
  for (let at = 0; ; ) {
    at = skipGap(script, at);
    if (at >= script.length) return;
    if (script[at] === ';') {
      at += 1;
      continue;
    }
    const start = at;
    const found = statementAt(script, start);
    yield { kind: found.kind, start, end: found.end };
    at = Math.max(found.end, start + 1);
  }
}

const matched = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
};

/** Behind blanks and comments. */
const skipGap = (text: string, from: number): number => {
  for (let at = from; ; ) {
    at += matched(BLANK, text, at).length;
    const comment = commentEnd(text, at);
    if (comment === undefined) return at;
    at = comment;
  }
};

const commentEnd = (text: string, at: number): number | undefined => {
  if (text[at] !== '/') return undefined;
  const closing = text[at + 1] === '/' ? '\n' : text[at + 1] === '*' ? '*/' : undefined;
  if (closing === undefined) return undefined;
  const end = text.indexOf(closing, at + 2);
  return end === -1 ? text.length : end + closing.length;
};

const lineEnd = (text: string, at: number): number => {
  EOL.lastIndex = at;
  return EOL.exec(text)?.index ?? text.length;
};

const statementAt = (text: string, start: number): { readonly kind: string; readonly end: number } => {
  if (matched(INCLUDE, text, start) !== '') {
    return { kind: 'include', end: includeEnd(text, start) };
  }
  const first = matched(WORD, text, start).toLowerCase();
  if (RAW.has(first)) return { kind: first, end: ending(text, start) };
  if (CONTROL.has(first)) {
    const kind = first === 'end' ? `end ${secondWord(text, start)}` : first;
    return { kind, end: Math.min(scan(text, start).end, lineEnd(text, start)) };
  }
  const label = matched(LABEL, text, start);
  const body = skipGap(text, start + label.length);
  const { end, words, assigns } = scan(text, body);
  return { kind: kindOf(words, assigns), end };
};

/** Behind the parenthesis that closes it, on the same line: there may be expansions in the path. */
const includeEnd = (text: string, start: number): number => {
  const line = lineEnd(text, start);
  let depth = 0;
  for (let at = start + 1; at < line; at++) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return line;
};

const secondWord = (text: string, start: number): string =>
  /^end\s{1,20}(\w{1,20})/i.exec(text.slice(start, start + 50))?.[1]?.toLowerCase() ?? '';

const kindOf = (words: readonly string[], assigns: boolean): string => {
  const [first = ''] = words;
  if (first === 'mapping') return 'mapping';
  for (const word of words) {
    if (word === 'lib' || word === 'odbc' || word === 'oledb' || word === 'custom') continue;
    if (KINDS.has(word)) return word;
    if (/^connect(?:32|64)$/.test(word)) return 'connect';
    if (!PREFIXES.has(word)) break;
  }
  return assigns ? 'let' : 'other';
};

/** The `;` from here on, or the end. */
const ending = (text: string, from: number): number => {
  const end = text.indexOf(';', from);
  return end === -1 ? text.length : end;
};

/** The first words outside of quotes and parentheses, and where the statement ends. */
const scan = (text: string, from: number): { end: number; words: readonly string[]; assigns: boolean } => {
  const words: string[] = [];
  let assigns = false;
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const character = text[at] ?? '';
    if (character === ';') return { end: at, words, assigns };
    const comment = commentEnd(text, at);
    if (comment !== undefined) {
      at = comment;
      continue;
    }
    const closing = CLOSING[character];
    if (closing !== undefined) {
      at = closed(text, at + 1, closing);
      continue;
    }
    const word = matched(WORD, text, at);
    if (word !== '') {
      if (matched(INLINE, text, at) !== '') {
        const table = skipGap(text, at + word.length);
        const end = CLOSING[text[table] ?? ''];
        at = end === undefined ? at + word.length : closed(text, table + 1, end, false);
        continue;
      }
      if (depth === 0 && words.length < 12) words.push(word.toLowerCase());
      at += word.length;
      continue;
    }
    if (character === '(') depth += 1;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (character === '=' && words.length === 1 && depth === 0) assigns = true;
    at += 1;
  }
  return { end: text.length, words, assigns };
};

/** Behind the closing character; a doubled one stands for itself, but not in an inline table. */
const closed = (text: string, from: number, closing: string, doubles = true): number => {
  for (let at = text.indexOf(closing, from); at !== -1; at = text.indexOf(closing, at + 2)) {
    if (!doubles || text[at + 1] !== closing) return at + 1;
  }
  return text.length;
};
