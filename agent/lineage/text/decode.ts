/** The encodings that scripts, their includes and the logs of reloads come in; any other 8-bit one can be asked for. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | (string & {});

/** What most Windows servers of the western world write when nobody says otherwise. */
const EIGHT_BIT = 'windows-1252';
const CYRILLIC = 'windows-1251';
/** So much of a text tells what it is. */
const SAMPLE_BYTES = 64 * 1024;

/**
 * The text that bytes stand for, without a byte order mark. `eightBit` is the encoding of bytes that are no Unicode (a
 * label of the WHATWG list); without it windows-1252, or windows-1251 for what reads as Cyrillic. Never fails: what
 * cannot be read becomes U+FFFD.
 *
 * @throws RangeError when `eightBit` names no encoding.
 */
export const decodeText = (bytes: Uint8Array, eightBit?: string): string =>
  new TextDecoder(textEncoding(bytes, eightBit)).decode(bytes);

/** In how many places bytes are none of the encoding that {@link decodeText} reads them in: U+FFFD stands there. */
export const unreadIn = (
  bytes: Uint8Array,
  eightBit?: string,
): { readonly encoding: TextEncoding; readonly places: number } => {
  const encoding = textEncoding(bytes, eightBit);
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return { encoding, places: 0 };
  } catch {
    return { encoding, places: new TextDecoder(encoding).decode(bytes).split('\ufffd').length - 1 };
  }
};

/** The encoding that {@link decodeText} reads the bytes in. */
export const textEncoding = (bytes: Uint8Array, eightBit?: string): TextEncoding => {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const wide = utf16WithoutMark(sample);
  if (wide !== undefined) return wide;
  if (isUtf8(bytes)) return 'utf-8';
  return eightBit ?? (readsAsCyrillic(sample) ? CYRILLIC : EIGHT_BIT);
};

/**
 * UTF-16 without a mark shows by its zeros: spaces, line ends and keywords have theirs all on one side. No 8-bit text and
 * no UTF-8 text has any.
 */
const utf16WithoutMark = (sample: Uint8Array): TextEncoding | undefined => {
  const pairs = sample.length >> 1;
  if (pairs < 2) return undefined;
  let [even, odd] = [0, 0];
  for (let at = 0; at + 1 < sample.length; at += 2) {
    if (sample[at] === 0) even += 1;
    if (sample[at + 1] === 0) odd += 1;
  }
  if (odd * 20 >= pairs && odd > even * 4) return 'utf-16le';
  if (even * 20 >= pairs && even > odd * 4) return 'utf-16be';
  return undefined;
};

/** Also when a few bytes are broken: a text that was cut, or pasted together from two encodings, is mostly UTF-8 still. */
const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    let [good, bad] = [0, 0];
    for (const character of new TextDecoder('utf-8').decode(bytes)) {
      if (character === '\ufffd') bad += 1;
      else if (character > '\x7f') good += 1;
    }
    return good > 0 && bad * 10 <= good;
  }
};

/**
 * In windows-1251 whole words are letters above 0xbf; western texts have such letters one by one, between plain ones. At
 * least half of the letters must stand in runs of three or more.
 */
const readsAsCyrillic = (sample: Uint8Array): boolean => {
  let [letters, inRuns, run] = [0, 0, 0];
  const close = (): void => {
    letters += run;
    if (run >= 3) inRuns += run;
    run = 0;
  };
  for (const byte of sample) {
    // Ё and ё stand below the others.
    if (byte >= 0xc0 || byte === 0xa8 || byte === 0xb8) run += 1;
    else close();
  }
  close();
  return inRuns >= 6 && inRuns * 2 >= letters;
};
