/** Spreadsheets run what begins so; the sign before it keeps it text. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
/** Where a semicolon parts cells, as in many countries, a name goes on in the next one. */
const INNER = /[;\t\r\n]\s*(?=[=+\-@＝＋－＠])/g;

const cell = (value: string): string => {
  const safe = (FORMULA.test(value) ? `'${value}` : value).replace(INNER, "$&'");
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** One line of CSV (RFC 4180). Names are strangers' texts: none becomes a formula. */
export const csvLine = (values: readonly (string | null)[]): string =>
  `${values.map((value) => cell(value ?? '')).join(',')}\r\n`;
