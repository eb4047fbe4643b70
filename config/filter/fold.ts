/** Letters beyond ASCII whose lower case is of ASCII, or is two: they stay what they are. */
const CROSSING = /[\u0130\u212a]/;

/**
 * A text for comparisons without case. What is of ASCII stays of ASCII and nothing else becomes so, as in the repository:
 * what it compares by its own idea of case is never less than what this says.
 */
export const folded = (text: string): string => {
  if (!CROSSING.test(text)) return lower(text);
  return text
    .split(/([\u0130\u212a])/)
    .map((part) => (CROSSING.test(part) ? part : lower(part)))
    .join('');
};

/** The last sigma of a Greek word has a lower case of its own; here it is like any other. */
const lower = (text: string): string => text.toLowerCase().replaceAll('ς', 'σ');
