import { LIMITS } from './constants.ts';

/** As many values as the largest record in one batch can hold: each takes three bytes at least. */
const MOST_VALUES = Math.floor(LIMITS.wholeRecordBytes / 3);

const [QUOTE, COMMA, COLON, OPEN_LIST, OPEN_OBJECT, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5b, 0x7b, 0x5c];

const stringEnd = (line: Uint8Array, from: number): number => {
  for (let end = line.indexOf(QUOTE, from); end >= 0; end = line.indexOf(QUOTE, end + 1)) {
    let first = end;
    while (first > from && line[first - 1] === BACKSLASH) first -= 1;
    if ((end - first) % 2 === 0) return end;
  }
  return line.length;
};

/**
 * Whether the line of a record in parts holds more values than any in one batch. Records are in parts for the sake of long
 * texts; 16 MiB of `{}` would take a receiver two gigabytes and many seconds, and it need not be parsed to see that.
 */
export const hasTooManyValues = (line: Uint8Array): boolean => {
  if (line.length <= LIMITS.wholeRecordBytes) return false;
  let values = 0;
  for (let at = 0; at < line.length; at += 1) {
    const byte = line[at];
    if (byte === QUOTE) at = stringEnd(line, at + 1);
    else if (byte === COMMA || byte === COLON || byte === OPEN_LIST || byte === OPEN_OBJECT) values += 1;
    if (values > MOST_VALUES) return true;
  }
  return false;
};
