const [LF, CR, SPACE, SLASH, STAR] = [10, 13, 32, 47, 42];

/** Of ASCII: 1 for blanks, 2 for what words are made of. */
const CLASSES = new Uint8Array(128);
for (let code = 0; code <= SPACE; code++) CLASSES[code] = 1;
CLASSES[0x7f] = 1;
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@#%') {
  CLASSES[character.charCodeAt(0)] = 2;
}
const WIDE_BLANKS: ReadonlySet<number> = new Set([
  0x1680, 0x180e, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff,
]);

/** Whitespace as scripts hold it: also no-break spaces, zero-width spaces and byte order marks between statements. */
export const isBlank = (code: number): boolean =>
  code < 128
    ? CLASSES[code] === 1
    : code <= 0xa0 || (code >= 0x2000 && code <= 0x200f) || (code >= 0x1680 && WIDE_BLANKS.has(code));

/** Of names and keywords; what is not ASCII and no blank may stand in a name. */
export const isWordPart = (code: number): boolean => (code < 128 ? CLASSES[code] === 2 : !isBlank(code));

/** Behind the word that begins here, or `at` when none does. */
export const wordEnd = (text: string, at: number): number => {
  let end = at;
  while (end < text.length && isWordPart(text.charCodeAt(end))) end += 1;
  return end;
};

/** Where the line ends that `at` is on: at its LF or CR, or behind the text. */
export const lineEnd = (text: string, at: number): number => {
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === LF || code === CR) break;
  }
  return end;
};

export const skipBlanks = (text: string, at: number): number => {
  let end = at;
  while (end < text.length && isBlank(text.charCodeAt(end))) end += 1;
  return end;
};

/** Like {@link skipBlanks}, but stays on the line. */
export const skipSpaces = (text: string, at: number): number => {
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === LF || code === CR || !isBlank(code)) break;
  }
  return end;
};

/** A path without quotes: its slashes begin no comment. */
const SCHEMES: ReadonlySet<string> = new Set(['lib', 'http', 'https', 'ftp', 'ftps', 'sftp', 'file', 's3', 'abfs']);

/** Behind the comment that begins at `at` (one to the end of the line leaves the line end), or undefined. */
export const commentEnd = (text: string, at: number): number | undefined => {
  if (text.charCodeAt(at) !== SLASH) return undefined;
  const next = text.charCodeAt(at + 1);
  if (next === STAR && !inPath(text, at)) {
    const end = text.indexOf('*/', at + 2);
    return end === -1 ? text.length : end + 2;
  }
  if (next !== SLASH || followsScheme(text, at)) return undefined;
  return lineEnd(text, at);
};

const MOST_PATH = 300;

/** Whether a slash belongs to a path without quotes: `FROM lib://Data/*.qvd (qvd)`. */
const inPath = (text: string, at: number): boolean => {
  let start = at;
  while (start > 0 && at - start < MOST_PATH && !'"\'`[](),;'.includes(text[start - 1] ?? '')) {
    if (isBlank(text.charCodeAt(start - 1))) break;
    start -= 1;
    if (text.charCodeAt(start) === SLASH && text.charCodeAt(start - 1) === SLASH && followsScheme(text, start - 1)) {
      return true;
    }
  }
  return false;
};

const followsScheme = (text: string, at: number): boolean => {
  if (text[at - 1] !== ':') return false;
  let start = at - 1;
  while (start > 0 && at - start < 8 && isWordPart(text.charCodeAt(start - 1))) start -= 1;
  return SCHEMES.has(text.slice(start, at - 1).toLowerCase());
};

/** Behind blanks and comments. */
export const skipGap = (text: string, at: number): number => {
  for (let end = at; ; ) {
    end = skipBlanks(text, end);
    const comment = commentEnd(text, end);
    if (comment === undefined) return end;
    end = comment;
  }
};

/** Behind the `)` that closes the `(` at `at`; undefined when there is none before `limit`. Quotes are not looked at. */
export const parenthesisEnd = (text: string, at: number, limit: number): number | undefined => {
  let depth = 0;
  for (let end = at; end < limit; end++) {
    const code = text.charCodeAt(end);
    if (code === 40) depth += 1;
    else if (code === 41 && --depth === 0) return end + 1;
  }
  return undefined;
};
