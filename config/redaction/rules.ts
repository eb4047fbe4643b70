import { inlineTables } from './inline-tables.ts';

/**
 * Takes secrets out of what authors write into scripts, variables and expressions, before it leaves the site. It knows
 * forms, not values, and errs on the side of taking too much: a name like `Password` with a value goes even where it was
 * harmless. Section-access rows, which name users, go as a whole. What was redacted once stays as it is.
 */
export const REDACTED = '[redacted]';

/** A text without any of these needs no closer look, which nearly none does. */
const HINT =
  /passw|pwd|secret|token|key|credential|tempauth|sig|bearer|authorization|httpheader|sess(?:ion)?id|:\/\/|eyJ|AKIA|gh[pous]_|xox|section\s+access|inline/i;

const STRONG = 'pass(?:word|wd|phrase)?|pwd|secret|api[_-]?key|access[_-]?key|tempauth|credentials?|signature';

/** What kind of secret a form is known for. */
export type SecretKind = 'privateKey' | 'header' | 'password' | 'token' | 'address' | 'cloudKey' | 'scrambled';

interface Rule {
  readonly kind: SecretKind;
  readonly pattern: RegExp;
  readonly with: string;
}

/**
 * Every repetition that is looked for from any place of the text has a bound, and what may be long begins where its kind
 * of characters begins: strangers write these texts, and one of a few thousand letters must not cost minutes.
 */
const RULES: readonly Rule[] = [
  {
    kind: 'privateKey',
    pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    with: REDACTED,
  },
  // Headers, parameters and bodies of the REST connector, by name: `HTTPHEADER "X-Api-Key" "…"`.
  {
    kind: 'header',
    pattern:
      /(\b(?:httpheader|query)\s{1,20}"[^"\r\n]{0,100}(?:key|token|auth|secret|passw|pwd|cookie|credential|sig)[^"\r\n]{0,100}"\s{1,20})"(?!(?:bearer\s|basic\s)?\$\()(?:[^"]|"")*"?/gi,
    with: `$1"${REDACTED}"`,
  },
  // `Password=…;`, `pwd={a;b};`, `api_key=…&`, `LET vSecret = '…' & '…';`, `""password"":""…""`, `password%3D…`.
  {
    kind: 'password',
    pattern: new RegExp(
      `((?:${STRONG})[\\w.$-]{0,64}["']{0,2}\\]?\\s{0,40}(?:=|:|%3D)\\s{0,40})` +
        `(\\[redacted\\][^\\s;&,\\]"']*|""[^"]*""|'(?:[^']|'')*'?(?:\\s{0,40}&\\s{0,40}'(?:[^']|'')*')*|"(?:[^"]|"")*"?|\\{[^}]*\\}?` +
        `|(?=[^\\s=<>])[^;&\\]"'\\r\\n]+)`,
      'gi',
    ),
    with: `$1${REDACTED}`,
  },
  // `token` is a common word: only what SET or LET gives it, a quoted value, or one in an address.
  {
    kind: 'token',
    pattern:
      /(\b(?:set|let)\s{1,20}[\w.$%-]{0,64}token[\w.$%-]{0,64}\s{0,20}=\s{0,20})(?!\s{0,20}\[redacted\](?:[;\r\n]|$))[^;\r\n]+/gi,
    with: `$1${REDACTED}`,
  },
  {
    kind: 'token',
    pattern: /(token[\w.$%-]{0,64}["']{0,2}\s{0,20}(?:=|:)\s{0,20})('(?:[^']|'')*'?|"(?:[^"]|"")*"?)/gi,
    with: `$1${REDACTED}`,
  },
  {
    kind: 'address',
    pattern:
      /([?&;][\w.-]{0,64}?(?:token|sig|code|auth|key|sess(?:ion)?id)[\w.-]{0,64}=(?!=))(?!\[redacted\](?:[&\s;'"\]]|$))[^&\s;'"\]]+/gi,
    with: `$1${REDACTED}`,
  },
  // Keys of cloud stores in connection strings.
  {
    kind: 'cloudKey',
    pattern:
      /((?:account|shared|access|subscription)[\w-]{0,20}key["']{0,2}\s{0,20}[=:]\s{0,20}["']?)(?!\[redacted\](?:[\s;&"',)\]]|$))[^\s;&"',)\]]+/gi,
    with: `$1${REDACTED}`,
  },
  // QlikView's scrambled credentials: `(XUserId is …, XPassword is …)`.
  {
    kind: 'scrambled',
    pattern: /\b(X(?:UserId|Password)\s{1,20}is\s{1,20})(?!\[redacted\](?:[\s,;)\]]|$))[^\s,;)\]]+/gi,
    with: `$1${REDACTED}`,
  },
  // `https://user:password@host`; the last `@` before the path ends it.
  {
    kind: 'address',
    pattern: /(:\/\/)[^\s/?#'"\]]+@/gi,
    with: `$1${REDACTED}@`,
  },
  // `Bearer …`; one that a variable gives (`Bearer $(vToken)`) says nothing.
  {
    kind: 'token',
    pattern: /((?:\b|%2B|%20)bearer(?:\s|%20|\+){1,20})(?!\$\()[\w.~+/=-]{6,}/gi,
    with: `$1${REDACTED}`,
  },
  {
    kind: 'header',
    pattern: /(authorization["'\]:=,\s]{1,40}(?:basic|digest|token|apikey)\s{1,20})[^\s"';,)]+/gi,
    with: `$1${REDACTED}`,
  },
  {
    kind: 'token',
    pattern: /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/g,
    with: REDACTED,
  },
  {
    kind: 'cloudKey',
    pattern: /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g,
    with: REDACTED,
  },
  {
    kind: 'token',
    pattern: /\b(?:gh[pous]_|github_pat_|glpat-|xox[abprs]-)[\w-]{10,}/g,
    with: REDACTED,
  },
];

/** The text without what looks like a secret. */
export const redactText = (text: string): string => {
  if (!HINT.test(text)) return text;
  let clean = redactAccessTables(redactSectionAccess(text));
  for (const rule of RULES) clean = clean.replace(rule.pattern, rule.with);
  return clean;
};

/** Where a text holds a secret in clear: the line (1-based) and of which kind it is, never the value. */
export interface SecretPlace {
  readonly line: number;
  readonly kind: SecretKind;
}

const MOST_PLACES = 200;
/** What is taken out to be safe and yet is no secret: a variable's expansion, an empty value, what was redacted already. */
const NO_SECRET = /^["'[{]*(?:\$\([^()]{0,200}\)|\[redacted\])?["'\]};]*$/;

/** The places of what {@link redactText} would take out for its form; rows of section access are not among them. */
export const secretPlaces = (text: string): readonly SecretPlace[] => {
  if (!HINT.test(text)) return [];
  const found: { readonly from: number; readonly to: number; readonly kind: SecretKind }[] = [];
  for (const { kind, pattern } of RULES) {
    const earlier = found.length;
    for (const match of text.matchAll(pattern)) {
      if (found.length >= MOST_PLACES) break;
      const [whole, before = ''] = match;
      const to = match.index + whole.length;
      if (NO_SECRET.test(whole.slice(before.length).trim())) continue;
      if (found.some((other, place) => place < earlier && match.index < other.to && other.from < to)) continue;
      found.push({ from: match.index + before.length, to, kind });
    }
  }
  found.sort((a, b) => a.from - b.from);
  let [line, counted] = [1, 0];
  return found.map(({ from, kind }) => {
    for (let at = text.indexOf('\n', counted); at !== -1 && at < from; at = text.indexOf('\n', at + 1)) line += 1;
    counted = from;
    return { line, kind };
  });
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

const blank = (block: string): string => {
  let clean = '';
  let from = 0;
  for (const { index, before, table, noLabels } of inlineTables(block)) {
    clean += literals(block.slice(from, index)) + before + rows(table, !noLabels);
    from = index + before.length + table.length;
  }
  return clean + literals(block.slice(from));
};

/** Fields that only section access has: rows below them are users, also where the block loads them from a resident table. */
const ACCESS_FIELDS =
  /\b(?:NTNAME|NTDOMAINSID|USER\.EMAIL|PASSWORD|ACCESS\s*,[^\n]*\bUSERID|USERID\s*,[^\n]*\bACCESS)\b/i;

const redactAccessTables = (script: string): string => {
  let clean = '';
  let from = 0;
  for (const { index, before, table } of inlineTables(script)) {
    const header = table.split('\n', 4).find((line) => line.replace(/^[["']/, '').trim() !== '') ?? '';
    if (!ACCESS_FIELDS.test(header.slice(0, 2000))) continue;
    clean += script.slice(from, index) + before + rows(table, true);
    from = index + before.length + table.length;
  }
  return clean + script.slice(from);
};

const rows = (table: string, hasHeader: boolean): string => {
  let header = !hasHeader;
  return table
    .split('\n')
    .map((line) => {
      const bare = line.replace(/^[["']/, '').trim();
      if (bare === '' || /^[\]"']$/.test(bare) || line.startsWith('///$tab')) return line;
      if (/^[["']?\[redacted\][\]"']?\s{0,20}$/.test(line)) return line;
      if (!header) {
        header = true;
        return line;
      }
      const open = /^[["']/.exec(line)?.[0] ?? '';
      return `${open}${REDACTED}${/[\]"']\s{0,20}$/.exec(line)?.[0] ?? (line.endsWith('\r') ? '\r' : '')}`;
    })
    .join('\n');
};

/** Literals, but not the paths that a table is loaded from. */
const literals = (text: string): string =>
  text.replace(/'(?!lib:)(?:[^']|'')*'/gi, (literal) => (literal === "''" ? literal : `'${REDACTED}'`));
