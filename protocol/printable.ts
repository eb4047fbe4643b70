/** What a terminal obeys, or what changes how the text around it is shown: control, format (turning the direction of
 * text, or without a width), line and paragraph separators, halves of characters. */
const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const BLANK = /[\t\n\r\v\f\p{Zl}\p{Zp}]/u;

/**
 * A text that others wrote (a server, a file, the name of one), fit to be printed in one line or to be put into a sentence
 * for people: line ends and tabs become spaces, everything else that steers a terminal or turns text round becomes U+FFFD.
 */
export const printable = (text: string): string => text.replaceAll(ODD, (odd) => (BLANK.test(odd) ? ' ' : '\uFFFD'));

/** At most `most` UTF-16 code units, the last of them an ellipsis where something was cut off. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
