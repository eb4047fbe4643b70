/** Spreadsheets run what begins so; the sign before it keeps it text. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
/**
 * Where a semicolon parts cells, as in many countries, a name goes on in the next one; a quotation mark in front is taken
 * off there. Looked at from the beginning of such signs alone: of thousands in a row each would begin a search of its own.
 */
const INNER = /(?<![\s;"])[\s;"]+(?=[=+\-@＝＋－＠])/g;
const PARTS = /[;\t\r\n]/;

const cell = (value: string): string => {
  const safe = (FORMULA.test(value) ? `'${value}` : value).replace(INNER, (signs) =>
    PARTS.test(signs) ? `${signs}'` : signs,
  );
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** One line of CSV (RFC 4180). Names are strangers' texts: none becomes a formula. */
export const csvLine = (values: readonly (string | null)[]): string =>
  `${values.map((value) => cell(value ?? '')).join(',')}\r\n`;
