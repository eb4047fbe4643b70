import { shortened } from '../printable.ts';

const MOST = 5;
const MOST_CHARACTERS = 300;

/**
 * What caused an error, from the nearest cause down, for a field `causes` of the log: messages alone, five at most, none
 * twice. Empty for an error without a cause.
 */
export const causesOf = (error: unknown): readonly string[] => {
  const found: string[] = [];
  const said = new Set<string>([error instanceof Error ? error.message : String(error)]);
  const seen = new Set<unknown>([error]);
  let at = error instanceof Error ? error.cause : undefined;
  while (at !== undefined && at !== null && !seen.has(at) && found.length < MOST) {
    seen.add(at);
    const text = at instanceof Error ? at.message : typeof at === 'string' ? at : '';
    if (text !== '' && !said.has(text)) found.push(shortened(text, MOST_CHARACTERS));
    said.add(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return found;
};
