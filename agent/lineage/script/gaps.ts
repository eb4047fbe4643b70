const [LF, CR, SPACE, SLASH, STAR] = [10, 13, 32, 47, 42];

/** Whitespace as scripts hold it: also no-break spaces, zero-width spaces and byte order marks between statements. */
export const isBlank = (code: number): boolean =>
  code <= SPACE ||
  (code >= 0x7f &&
    (code <= 0xa0 ||
      code === 0xfeff ||
      code === 0x3000 ||
      code === 0x1680 ||
      (code >= 0x2000 && code <= 0x200f) ||
      code === 0x2028 ||
      code === 0x2029 ||
      code === 0x202f ||
      code === 0x205f ||
      code === 0x2060));

/** Of names and keywords; what is not ASCII and no blank may stand in a name. */
export const isWordPart = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 95 ||
  code === 46 ||
  code === 64 ||
  code === 35 ||
  code === 37 ||
  (code >= 0x80 && !isBlank(code));

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
  if (next === STAR) {
    const end = text.indexOf('*/', at + 2);
    return end === -1 ? text.length : end + 2;
  }
  if (next !== SLASH || followsScheme(text, at)) return undefined;
  return lineEnd(text, at);
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

/** Only blanks stand between it and the start of its line. */
export const startsLine = (text: string, at: number): boolean => {
  for (let before = at - 1; before >= 0; before--) {
    const code = text.charCodeAt(before);
    if (code === LF || code === CR) return true;
    if (!isBlank(code)) return false;
  }
  return true;
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
