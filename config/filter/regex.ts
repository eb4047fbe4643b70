import { RE2JS, RE2JSException } from 're2js';

/** A pattern that cannot be run: what is wrong with it, and what to write instead. */
export class PatternError extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

export interface RegexOptions {
  /** True: case does not count. */
  readonly fold: boolean;
  /**
   * How its writer reads it: `java` as in filters of Zeenea, `python` as in OpenMetadata, where it need only match from the
   * beginning of the text; everything else is for the whole text.
   */
  readonly dialect: 'plain' | 'java' | 'python';
  /** `.` matches line ends, too. */
  readonly dotAll?: boolean;
  /** `^` and `$` match at line ends, too. */
  readonly multiline?: boolean;
}

/**
 * The size of a compiled expression; a count such as `{900}` is as many copies. Size times length of the text is what a match
 * may cost.
 */
const MOST_INSTRUCTIONS = 1_000;

interface CompiledRegex {
  /** How large it is: what it takes at most for each character of a text. */
  readonly steps: number;
  matches(given: string): boolean;
}

/** What engines that go back have and one of linear time has not: what is told to those who wrote it. */
const REFUSED: readonly (readonly [found: RegExp, what: string, instead: string])[] = [
  [
    /^\(\?(?:[=!]|<[=!])/,
    'looks ahead or behind ((?=…), (?!…), (?<=…), (?<!…))',
    'Say it with two rules, an include and an exclude, or with and/not in a filter expression.',
  ],
  [/^\(\?>/, 'has an atomic group (?>…)', 'Write (?:…) instead; what matches is the same in nearly every case.'],
  [
    /^\\(?:[1-9]|k[<{'])/,
    'refers back to a group',
    'Write out what may stand there; a text cannot be compared with itself.',
  ],
  [
    /^(?:[*+?]|\{\d+(?:,\d*)?\})\+/,
    'has a possessive count (++, *+, ?+)',
    'Write it with one sign less: + instead of ++.',
  ],
  [/^\\[GX]/, 'has \\G or \\X', 'Write what is meant without it.'],
  [/^\\[hHRvVN]/, 'has \\h, \\R, \\v or \\N', 'Write [ \\t] for blanks, [\\r\\n] for line ends.'],
  [/^\\0/, 'has a character in octal', 'Write it as \\x{41}.'],
  [/^\\[ce]/, 'has a control character (\\c, \\e)', 'Write it as \\x{1B}.'],
  [
    /^\\[pP]\{(?:Is|In|java|block=|script=)/,
    'names a class of characters as Java does',
    'Write \\p{Greek}, \\p{L}, \\p{Lu} or [[:alpha:]].',
  ],
  [
    /^\(\?[a-zA-Z]*[xudUaL][a-zA-Z]*[):-]/,
    'sets a flag that is not known here',
    'Only i, m and s can be set within a pattern.',
  ],
  [/^\{,\d+\}/, 'has a count without a beginning', 'Write {0,3} for {,3}.'],
];

/** What may stand within brackets in Java and means something else here. */
const inBrackets = (text: string, at: number): string | undefined => {
  if (text.startsWith('&&', at)) return 'cuts classes of characters with &&';
  return text[at] === '[' && text[at + 1] !== ':' ? 'has brackets within brackets' : undefined;
};

/** Goes through a pattern: refuses what would mean something else here, and writes in RE2's way what only looks different. */
const translated = (text: string, dialect: RegexOptions['dialect']): string => {
  let out = '';
  /** Where the first member of a class may stand; undefined outside of classes. */
  let brackets: number | undefined;
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i, i + 40);
    if (rest.startsWith('\\Q')) {
      const end = text.indexOf('\\E', i + 2);
      const literal = text.slice(i, end < 0 ? text.length : end + 2);
      out += literal;
      i += literal.length;
      continue;
    }
    const unicode = /^\\u([0-9a-fA-F]{4})/.exec(rest);
    if (unicode !== null) {
      out += `\\x{${unicode[1]}}`;
      i += 6;
      continue;
    }
    const upTo = dialect === 'python' && brackets === undefined ? /^\{,(\d+)\}/.exec(rest) : null;
    if (upTo !== null) {
      out += `{0,${upTo[1]}}`;
      i += upTo[0].length;
      continue;
    }
    if (brackets !== undefined && dialect === 'java' && i > brackets) {
      const odd = inBrackets(text, i);
      if (odd !== undefined)
        throw new PatternError(
          `The regular expression ${odd}.`,
          'Write one class: [a-zA-Z] for [a-z[A-Z]], [ac] for [a-c&&[ac]].',
        );
    }
    for (const [found, what, instead] of REFUSED)
      if ((brackets === undefined || rest.startsWith('\\')) && found.test(rest))
        throw new PatternError(`The regular expression ${what}, which cannot be run in linear time here.`, instead);
    if (rest.startsWith('\\Z')) {
      out += '\\z';
      i += 2;
      continue;
    }
    if (rest.startsWith('\\')) {
      out += rest.slice(0, 2);
      i += 2;
      continue;
    }
    const c = rest[0] ?? '';
    if (brackets === undefined && c === '[') {
      // A ] that comes first is a member.
      const first = /^\[\^?\]?/.exec(rest)?.[0] ?? '[';
      brackets = i + first.length - 1;
      out += first;
      i += first.length;
      continue;
    }
    if (brackets !== undefined && rest.startsWith('[:')) {
      const named = /^\[:\^?\w+:\]/.exec(rest)?.[0] ?? '[:';
      out += named;
      i += named.length;
      continue;
    }
    if (c === ']') brackets = undefined;
    out += c;
    i += 1;
  }
  return out;
};

/**
 * A test of texts against a regular expression, in a time that is linear in the text whatever the expression is. Throws
 * {@link PatternError} for one that has what cannot be run so, or that is too large.
 */
export const compileRegex = (text: string, options: RegexOptions): CompiledRegex => {
  const body = translated(text, options.dialect);
  const flags =
    (options.fold ? RE2JS.CASE_INSENSITIVE : 0) |
    (options.dotAll === true ? RE2JS.DOTALL : 0) |
    (options.multiline === true ? RE2JS.MULTILINE : 0);
  let compiled: RE2JS;
  try {
    // Compiled alone first: what is not whole must not be made so by what is put around it.
    compiled = RE2JS.compile(body, flags);
    if (options.dialect === 'python') compiled = RE2JS.compile(`(?:${body})(?s:.*)`, flags);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new PatternError(
      `The regular expression cannot be read: ${error.message.replace(/^error parsing regexp: /, '')}.`,
      'A character that stands for itself and is one of . * + ? ( ) [ ] { } | ^ $ \\ has a \\ before it.',
    );
  }
  if (compiled.programSize() > MOST_INSTRUCTIONS)
    throw new PatternError(
      `The regular expression is too large (${compiled.programSize()} steps of ${MOST_INSTRUCTIONS}).`,
      'Use smaller counts ({2,20} for {2,900}), or .* where the exact count does not matter.',
    );
  const regex = compiled;
  return { steps: regex.programSize(), matches: (given) => regex.testExact(given) };
};
