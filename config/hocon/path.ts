import { HoconError } from './error.ts';
import type { Token } from './lexer.ts';
import type { Source } from './source.ts';

/** How many keys a path may have. */
const MAX_PATH = 64;

/**
 * Reads tokens as a path of keys: dots outside quotes separate, quoted text is taken whole, a number is its digits
 * (so `1.5` is two keys), spaces inside belong to the key.
 */
export const readPath = (source: Source, expression: readonly Token[], start: number): readonly string[] => {
  const keys: { text: string; mayBeEmpty: boolean }[] = [{ text: '', mayBeEmpty: false }];
  let any = false;
  for (const token of expression) {
    if (token.type === 'space') continue;
    any = true;
    const last = keys[keys.length - 1];
    if (last === undefined) break;
    if (token.type === 'string') {
      last.text += token.value;
      if (last.text === '') last.mayBeEmpty = true;
      continue;
    }
    if (token.type !== 'text' && token.type !== 'number' && token.type !== 'literal')
      throw new HoconError('bad_path', source.at(token.start), 'this may stand in a key only inside double quotes');
    const [first = '', ...rest] = (token.type === 'literal' ? String(token.value) : token.text).split('.');
    last.text += first;
    for (const text of rest) keys.push({ text, mayBeEmpty: false });
    if (keys.length > MAX_PATH)
      throw new HoconError('limit', source.at(start), `a key may have at most ${MAX_PATH} parts`);
  }
  if (!any) throw new HoconError('bad_path', source.at(start), 'a key is missing here');
  if (keys.some((key) => key.text === '' && !key.mayBeEmpty))
    throw new HoconError('bad_path', source.at(start), 'a key has a dot at its start or end, or two dots side by side');
  return keys.map((key) => key.text);
};
