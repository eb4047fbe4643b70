import type { Token } from '../hocon/lexer.ts';
import type { Field } from '../hocon/parser.ts';
import { isSecretKey } from './excerpt.ts';
import { CONNECTION_KEYS, SETTINGS_KEYS } from './keys.ts';
import type { Problems } from './problem.ts';

/** Texts for people, where a line end or a doubled quote does no harm. */
const FREE_TEXT = new Set(['name', 'description', 'access_notes', 'environment']);
const known = new Map([...CONNECTION_KEYS, ...SETTINGS_KEYS].map((key) => [key.path, key]));
const NAMES: Readonly<Record<string, string>> = {
  n: 'a line end',
  t: 'a tab',
  b: 'a backspace',
  r: 'a carriage return',
  f: 'a form feed',
};
export const QUOTE = 'Put the whole value in double quotes; inside them write \\\\ for \\ and \\" for ".';

/** What word processors make of a quote. */
export const TYPOGRAPHIC = /[“”„‟‘’‚‛«»]/;

/** How bad it is when the value is not what was meant: a wrong credential locks accounts, a wrong label does not. */
const severity = (path: string): 'error' | 'warn' => {
  const spec = known.get(path);
  return spec !== undefined && spec.type === 'string' && !FREE_TEXT.has(path) && spec.status !== 'tolerated'
    ? 'error'
    : 'warn';
};

interface Subject {
  readonly field: Field;
  readonly path: string;
  readonly raw: (token: Token) => string;
  readonly at: (offset: number) => ReturnType<Field['source']['at']>;
  readonly report: (offset: number, message: string, advice: string) => void;
  /** True: no part of the value may be in a message. */
  readonly hidden: boolean;
  readonly replaced: string | undefined;
}

/** Checks on the text itself: what is valid HOCON and yet hardly what was meant. */
export const checkFields = (
  fields: readonly Field[],
  problems: Problems,
  options: {
    /** True: all values are secrets. */
    readonly hidden?: boolean;
    /** Substitutions below this root are replaced in quotes, too. */
    readonly replaced?: string | undefined;
  } = {},
): void => {
  const { hidden = false, replaced } = options;
  for (const field of fields) {
    const { source } = field;
    const path = field.path.join('.');
    const subject: Subject = {
      field,
      path,
      hidden: hidden || isSecretKey(field.path),
      replaced,
      raw: (token) => source.text.slice(token.start, token.end),
      at: (offset) => source.at(offset),
      report: (offset, message, advice) => {
        problems.explained.add(path);
        problems[hidden ? 'warn' : severity(path)]('config.suspicious_value', source.at(offset), message, advice);
      },
    };
    if (field.empty) empty(subject, problems);
    // Fields inside an object are looked at on their own.
    else if (!field.tokens.some(({ type }) => type === '{' || type === '[')) {
      for (const token of field.tokens) if (token.type === 'string') quoted(subject, token);
      swallowed(subject);
      neighbours(subject);
    }
  }
  twice(fields, problems);
};

const label = (path: string): string => (/^[A-Za-z0-9_.-]{1,80}$/.test(path) ? path : 'this key');

const empty = ({ field, path, at }: Subject, problems: Problems): void => {
  const comment = field.tokens.find(({ type }) => type !== 'space');
  if (comment?.type === 'comment' && field.source.text[comment.end - 1] !== '=') {
    problems.warn(
      'config.empty_value',
      at(field.key),
      `${label(path)} has no value: what follows is a comment. It counts as absent.`,
      'If it is the value, put it in double quotes: # and // begin a comment outside them.',
    );
    return;
  }
  problems.warn(
    'config.empty_value',
    at(field.key),
    `${label(path)} has no value; it counts as absent.`,
    `Write a value after ${label(path)} =, or delete the line.`,
  );
};

/** The string as it should have been, or the part that matters when the rest may not be shown. */
const corrected = (hidden: boolean, raw: string, offset: number): string => {
  const body = raw.slice(1, -1);
  if (hidden || body.length > 100 || /\/\/.*@/.test(body)) return `"…\\${raw.slice(offset, offset + 2)}…"`;
  return `"${body.replaceAll('\\\\', '\\').replaceAll('\\', '\\\\')}"`;
};

/** Texts of several lines, where a line end is meant. */
const LONG_TEXTS: ReadonlySet<string> = new Set(['description', 'access_notes', 'filter', 'crawl.filter']);

const quoted = (subject: Subject, token: Token & { readonly type: 'string' }): void => {
  const { path, raw, report, hidden, replaced } = subject;
  const text = raw(token);
  if (!token.triple && !token.value.includes('-----') && !LONG_TEXTS.has(path)) {
    // An escape that is not one of a backslash or a quote, and that makes a control character.
    for (const match of text.matchAll(/\\(?:([ntbrf])|u00(?:[01][0-9a-fA-F]|7[fF])|[\s\S])/g)) {
      const letter = match[1];
      if (letter === undefined && match[0].length < 6) continue;
      report(
        token.start + match.index,
        letter === undefined
          ? `${match[0]} inside double quotes is a control character.`
          : `\\${letter} inside double quotes is ${NAMES[letter] ?? 'a control character'}, not a backslash and the letter ${letter}.`,
        `Write two backslashes: ${corrected(hidden, text, match.index)}.`,
      );
      break;
    }
  }
  if (token.triple && /^[^\\\n]+\\\\[^\\\n]+$/.test(token.value))
    report(
      token.start + 3 + token.value.indexOf('\\'),
      'Between triple quotes a backslash stands for itself, so this value has two of them.',
      'Write one backslash between triple quotes, or two between double quotes.',
    );
  const substitution = /\$\{\??([A-Za-z_][A-Za-z0-9_.-]*)\}/.exec(token.value);
  if (substitution !== null && substitution[1]?.split('.')[0] !== replaced)
    report(
      token.start,
      'A substitution inside quotes is not replaced: the value holds it as it is written.',
      'Take the quotes away around it. If it is meant as it stands, it has no effect as a substitution.',
    );
};

/** `key =` with nothing after it takes an include on the next line for its value. */
const swallowed = ({ field, path, report }: Subject): void => {
  const meant = field.tokens.filter((token) => !['space', 'comment'].includes(token.type) && !blank(token));
  const [line, word, name] = meant.filter(({ type }, i) => type !== 'newline' || meant[i + 1]?.type !== 'newline');
  if (line?.type === 'newline' && word?.type === 'text' && word.text === 'include' && name?.type === 'string')
    report(
      word.start,
      `${label(path)} has no value, so the include on the next line is taken for it.`,
      `Write a value after ${label(path)} =, or delete that line.`,
    );
};

/** Looks at tokens that touch each other, and at texts that look quoted and are not. */
const neighbours = ({ field, path, report }: Subject): void => {
  const { tokens } = field;
  const joined = tokens.some(({ type }) => type === 'reference');
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    if (next === undefined || next.start !== token.end) return;
    if (token.type === 'text' && next.type === 'comment')
      report(
        next.start,
        `${field.source.text[next.start] === '#' ? '#' : '//'} begins a comment, so the value of ${label(path)} ends before it.`,
        'Put the whole value in double quotes, or a space before the comment if it is one.',
      );
    if (token.type === 'string' && next.type === 'string')
      report(
        next.start,
        'Two quoted texts side by side are joined, and the quotes between them vanish.',
        'To have a quote in the value write \\" for it.',
      );
    else if (
      !joined &&
      (token.type === 'string' ? next.type === 'text' : token.type === 'text' && next.type === 'string')
    )
      if (!blank(token) && !blank(next))
        report(
          next.start,
          'Quotes in the middle of a value vanish.',
          'Put the whole value in double quotes, and write \\" for a quote in it.',
        );
  });
  const texts = tokens.filter((token) => !['space', 'newline', 'comment', 'comma', '}', 'end'].includes(token.type));
  const [first] = texts;
  const last = texts[texts.length - 1];
  if (first?.type === 'text' && last?.type === 'text' && first.text.startsWith("'") && last.text.endsWith("'"))
    report(
      first.start,
      'Single quotes are not quotes in HOCON: they are part of the value.',
      'Use double quotes; inside them write \\\\ for \\.',
    );
  else if (first?.type === 'text' && TYPOGRAPHIC.test(first.text.charAt(0)))
    report(
      first.start,
      'Typographic quotes are not quotes in HOCON: they are part of the value.',
      'Write plain double quotes (") instead; programs for letters and mails change them.',
    );
};

const blank = (token: Token): boolean => token.type === 'text' && token.text.trim() === '';

/** The same key set twice to plain values in one file: the later wins, silently. */
const twice = (fields: readonly Field[], problems: Problems): void => {
  const seen = new Map<string, number>();
  for (const { path, source, key, tokens, empty: absent } of fields) {
    if (absent || tokens.some(({ type }) => type === '{' || type === '[' || type === 'reference')) continue;
    const name = path.join('.');
    const id = JSON.stringify([source.file, path]);
    const before = seen.get(id);
    seen.set(id, source.at(key).line);
    if (before !== undefined && known.has(name))
      problems.warn(
        'config.suspicious_value',
        source.at(key),
        `${name} stands on line ${before} already; this line wins.`,
        'Keep one of the two lines.',
      );
  }
};
