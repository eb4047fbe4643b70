import { LIMITS } from '#protocol/constants.ts';
import type { Part } from '#protocol/frame.ts';

interface PartContent {
  readonly part: Part;
  readonly records: number;
  readonly rawBytes: number;
  readonly payload: Uint8Array;
}

/**
 * A line that is too large for one batch, cut into pieces that each fit, in order. A piece may end within a character. When
 * a piece hardly compresses, it and all after it are halved.
 */
export async function* partsOf(
  line: Uint8Array,
  compress: (piece: Uint8Array) => Promise<Uint8Array>,
): AsyncGenerator<PartContent, void, void> {
  let size = Math.min(LIMITS.batchRawBytes, Math.ceil(line.length / 2));
  for (let at = 0; at < line.length; ) {
    const piece = line.subarray(at, at + size);
    const payload = await compress(piece);
    if (payload.length > LIMITS.batchBytes) {
      size >>= 1;
      continue;
    }
    const part = at === 0 ? 'first' : at + piece.length === line.length ? 'last' : 'middle';
    at += piece.length;
    yield { part, records: part === 'last' ? 1 : 0, rawBytes: piece.length, payload };
  }
}
