/**
 * Takes secrets out of what authors write into scripts, variables and expressions, before it leaves the site. It knows
 * forms, not values, and errs on the side of taking too much: a name like `Password` with a value goes even where it was
 * harmless. Section-access rows, which name users, go as a whole.
 */
export const REDACTED = '[redacted]';

/** A text without any of these needs no closer look, which nearly none does. */
const HINT =
  /passw|pwd|secret|token|api.?key|credential|tempauth|signature|bearer|authorization|:\/\/|eyJ|AKIA|PRIVATE KEY|section\s+access/i;

const STRONG = 'pass(?:word|wd|phrase)?|pwd|secret|api[_-]?key|access[_-]?key|tempauth|credentials?|signature';

interface Rule {
  readonly pattern: RegExp;
  readonly with: string;
}

const RULES: readonly Rule[] = [
  {
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    with: REDACTED,
  },
  // `Password=…;`, `pwd={a;b};`, `api_key=…&`, `LET vSecret = '…';` (names may have something before or behind).
  {
    pattern: new RegExp(
      `([\\w.$%-]*(?:${STRONG})[\\w.$%-]*"?'?\\]?\\s*(?:=|:)\\s*)` +
        `('(?:[^']|'')*'?|"(?:[^"]|"")*"?|\\{[^}]*\\}?|(?=[^\\s=<>>])[^;&\\]"'\\r\\n]+)`,
      'gi',
    ),
    with: `$1${REDACTED}`,
  },
  // `token` is a common word: only a quoted value, or one in an address.
  { pattern: /([\w.$%-]*token[\w.$%-]*\s*(?:=|:)\s*)('(?:[^']|'')*'?|"(?:[^"]|"")*"?)/gi, with: `$1${REDACTED}` },
  { pattern: /([?&;][\w.-]*(?:token|sig|code|auth)[\w.-]*=)[^&\s;'"\]]+/gi, with: `$1${REDACTED}` },
  // QlikView's scrambled credentials: `(XUserId is …, XPassword is …)`.
  { pattern: /\b(X(?:UserId|Password)\s+is\s+)[^\s,;)\]]+/gi, with: `$1${REDACTED}` },
  // `https://user:password@host`
  { pattern: /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@'"\]]+@/gi, with: `$1${REDACTED}@` },
  // `Bearer …`; one that a variable gives (`Bearer $(vToken)`) says nothing.
  { pattern: /((?:\b|%2B|%20)bearer(?:\s|%20|\+)+)(?!\$\()[\w.~+/=-]{6,}/gi, with: `$1${REDACTED}` },
  { pattern: /(authorization["'\]:=,\s]+(?:basic|digest)\s+)[^\s"';,)]+/gi, with: `$1${REDACTED}` },
  { pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/g, with: REDACTED },
  { pattern: /\bAKIA[0-9A-Z]{16}\b/g, with: REDACTED },
];

/** The text without what looks like a secret. */
export const redactText = (text: string): string => {
  if (!HINT.test(text)) return text;
  let clean = redactSectionAccess(text);
  for (const rule of RULES) clean = clean.replace(rule.pattern, rule.with);
  return clean;
};

/** Whether something of this name (a variable) is likely to hold a secret as its plain value. */
export const namesSecret = (name: string): boolean => /passw|pwd|secret|token|api_?key|credential/i.test(name);

const START = /\bsection\s+access\b/gi;
/** At the start of a statement only: the words in a comment do not end the block. */
const END = /(?:^|;)[ \t]*section\s+application\s*(?:;|$)/im;

/**
 * Blanks the values of every SECTION ACCESS block: the rows of INLINE tables (not their header, which are field names)
 * and literals. A block ends with SECTION APPLICATION, or with the script. The lines that open script sections stay.
 */
const redactSectionAccess = (script: string): string => {
  let clean = '';
  let from = 0;
  for (START.lastIndex = 0; ; ) {
    const start = START.exec(script);
    if (start === null) return clean + script.slice(from);
    const body = start.index + start[0].length;
    const end = END.exec(script.slice(body));
    const stop = end === null ? script.length : body + end.index;
    clean += script.slice(from, body) + blank(script.slice(body, stop));
    from = stop;
    START.lastIndex = stop;
  }
};

const INLINE = /(\binline\s*)(\[[^\]]*\]?|"[^"]*"?|'[^']*'?)/gi;

const blank = (block: string): string => {
  let clean = '';
  let from = 0;
  for (const inline of block.matchAll(INLINE)) {
    clean += literals(block.slice(from, inline.index)) + inline[1] + rows(inline[2] ?? '');
    from = inline.index + inline[0].length;
  }
  return clean + literals(block.slice(from));
};

const rows = (table: string): string => {
  let header = false;
  return table
    .split('\n')
    .map((line) => {
      const bare = line.replace(/^[["']/, '').trim();
      if (bare === '' || /^[\]"']$/.test(bare) || line.startsWith('///$tab')) return line;
      if (!header) {
        header = true;
        return line;
      }
      return `${REDACTED}${/[\]"']\s*$/.exec(line)?.[0] ?? (line.endsWith('\r') ? '\r' : '')}`;
    })
    .join('\n');
};

/** Literals, but not the paths that a table is loaded from. */
const literals = (text: string): string =>
  text.replace(/'(?!lib:)(?:[^']|'')*'/gi, (literal) => (literal === "''" ? literal : `'${REDACTED}'`));
