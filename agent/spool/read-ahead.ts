import type { DiskFile } from './disk.ts';

/** A dozen batches of usual size: one visit to the disk for all of them, and little memory for each attempt. */
const AHEAD_BYTES = 256 * 1024;

/**
 * Reads pieces that lie one behind the other with few visits to the disk: what follows a piece is kept for the next call.
 * For files that are only appended to. What is asked for again comes from the disk again.
 */
export class ReadAhead {
  #file: DiskFile | undefined;
  #position = 0;
  /** How much of it was given out. */
  #given = 0;
  #bytes: Uint8Array = new Uint8Array();

  /**
   * @param end up to where the file may be read: beyond it somebody may be writing
   * @returns fewer than `length` bytes at the end of the file; not to be written to
   */
  async read(file: DiskFile, position: number, length: number, end: number): Promise<Uint8Array> {
    const at = position - this.#position;
    if (file === this.#file && at >= this.#given && at + length <= this.#bytes.length) {
      this.#given = at + length;
      return this.#bytes.subarray(at, at + length);
    }
    const bytes = await file.read(position, Math.max(length, Math.min(AHEAD_BYTES, end - position)));
    this.#file = file;
    this.#position = position;
    this.#bytes = bytes;
    this.#given = length;
    return bytes.subarray(0, length);
  }

  /** What is kept is not to be trusted, or not needed any more. */
  forget(): void {
    this.#file = undefined;
    this.#bytes = new Uint8Array();
  }
}
