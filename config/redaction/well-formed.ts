// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what no PostgreSQL text can hold.
const NUL = /\u0000/g;

/** Texts that a database can hold: U+0000 and lone surrogates become U+FFFD. */
export const wellFormed = (text: string): string => {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replace(NUL, '\uFFFD') : whole;
};
