const PLAIN = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/** The number that a text is read as, or undefined; blank is none. */
export const toNumber = (text: string): number | undefined => {
  if (!PLAIN.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
};

/** As a variable shows it: at most 14 digits. */
export const fromNumber = (number: number): string =>
  Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(14)));
