import { crc32 } from 'node:zlib';
import { LIMITS } from '#protocol/constants.ts';
import { decodeFrame, FrameError } from '#protocol/frame.ts';
import type { DiskFile } from './disk.ts';

/**
 * A segment: a file of batches in order, only ever appended to.
 *
 *     header:  'CVSP' | bytes u32 | crc u32 | JSON
 *     entry:   frameBytes u32 | notesBytes u32 | crc u32 | JSON notes on the batch, or nothing | frame
 *
 * Numbers are big-endian. The header's CRC-32 covers its length and the JSON, an entry's covers its two lengths and the
 * notes; the frame has its own. Whatever follows the first flaw is a torn tail.
 */
const MAGIC = 0x43565350;
const HEADER_BYTES = 12;
const ENTRY_BYTES = 12;
/** Far above any real one: a length beyond it is a flaw and nothing is allocated for it. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
const MAX_NOTES_BYTES = 4 * 1024 * 1024;

/** What came before this segment in the attempt, so that earlier segments may be deleted. */
export interface SegmentHeader {
  readonly firstSeq: number;
  /** Records in all batches before. */
  readonly records: number;
  /** CRC-32 of every frame before, from seq 1 on. */
  readonly crcs: readonly number[];
  /** Scopes that were complete before. */
  readonly completed: readonly string[];
}

/** What is told of a batch without reading it. */
export interface BatchNotes {
  /** Scopes whose outcome record is in the batch. */
  readonly completed: readonly string[];
  /** Records by kind: assets by theirs, others by what they are. Of none in segments of earlier releases. */
  readonly kinds?: Readonly<Record<string, number>> | undefined;
  /** Scopes that have records in the batch. */
  readonly scopes?: readonly string[] | undefined;
  /** SHA-256 (hex) of the frame as it is sent. */
  readonly sha256?: string | undefined;
}

/** A batch of the spool as it is told of, without its content. */
export interface SpooledBatch extends BatchNotes {
  readonly seq: number;
  readonly records: number;
  readonly frameBytes: number;
}

export interface SegmentEntry extends BatchNotes {
  readonly seq: number;
  readonly records: number;
  readonly crc32: number;
  /** Where the frame itself lies. */
  readonly offset: number;
  readonly frameBytes: number;
}

export const encodeHeader = ({ firstSeq, records, crcs, completed }: SegmentHeader): Uint8Array => {
  const packed = Buffer.alloc(crcs.length * 4);
  for (const [index, crc] of crcs.entries()) packed.writeUInt32BE(crc, index * 4);
  const json = Buffer.from(JSON.stringify({ firstSeq, records, crcs: packed.toString('base64'), completed }));
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(json.length, 4);
  head.writeUInt32BE(crc32(json, crc32(head.subarray(4, 8))), 8);
  return Buffer.concat([head, json]);
};

/** @returns the entry's bytes and where in them the frame begins */
export const encodeEntry = (
  frame: Uint8Array,
  notes: BatchNotes,
): { readonly bytes: Uint8Array; readonly frameAt: number } => {
  const json = Buffer.from(JSON.stringify(notes));
  const head = Buffer.alloc(ENTRY_BYTES);
  head.writeUInt32BE(frame.length, 0);
  head.writeUInt32BE(json.length, 4);
  head.writeUInt32BE(crc32(json, crc32(head.subarray(0, 8))), 8);
  return { bytes: Buffer.concat([head, json, frame]), frameAt: ENTRY_BYTES + json.length };
};

const readHeader = async (file: DiskFile): Promise<{ header: SegmentHeader; end: number } | undefined> => {
  const head = Buffer.from(await file.read(0, HEADER_BYTES));
  if (head.length < HEADER_BYTES || head.readUInt32BE(0) !== MAGIC) return undefined;
  const length = head.readUInt32BE(4);
  if (length > MAX_HEADER_BYTES) return undefined;
  const json = Buffer.from(await file.read(HEADER_BYTES, length));
  if (json.length < length || crc32(json, crc32(head.subarray(4, 8))) !== head.readUInt32BE(8)) return undefined;
  const { firstSeq, records, crcs, completed } = JSON.parse(json.toString()) as Omit<SegmentHeader, 'crcs'> & {
    readonly crcs: string;
  };
  const packed = Buffer.from(crcs, 'base64');
  const list = Array.from({ length: packed.length / 4 }, (_, index) => packed.readUInt32BE(index * 4));
  return { header: { firstSeq, records, crcs: list, completed }, end: HEADER_BYTES + length };
};

/** Earlier releases noted the completed scopes only, as an array, and nothing when there were none. */
const notesOf = (json: Buffer): BatchNotes => {
  if (json.length === 0) return { completed: [] };
  const value = JSON.parse(json.toString()) as BatchNotes | readonly string[];
  return Array.isArray(value) ? { completed: value as readonly string[] } : (value as BatchNotes);
};

const readEntry = async (
  file: DiskFile,
  at: number,
  stream: number,
  seq: number,
): Promise<{ entry: SegmentEntry; end: number } | undefined> => {
  const head = Buffer.from(await file.read(at, ENTRY_BYTES));
  if (head.length < ENTRY_BYTES) return undefined;
  const frameBytes = head.readUInt32BE(0);
  const notesBytes = head.readUInt32BE(4);
  if (frameBytes > LIMITS.dataBytes || notesBytes > MAX_NOTES_BYTES) return undefined;
  const rest = Buffer.from(await file.read(at + ENTRY_BYTES, notesBytes + frameBytes));
  if (rest.length < notesBytes + frameBytes) return undefined;
  const json = rest.subarray(0, notesBytes);
  if (crc32(json, crc32(head.subarray(0, 8))) !== head.readUInt32BE(8)) return undefined;
  try {
    const frame = decodeFrame(rest.subarray(notesBytes));
    if (frame.seq !== seq || frame.stream !== stream) return undefined;
    const offset = at + ENTRY_BYTES + notesBytes;
    return {
      entry: { ...notesOf(json), seq, records: frame.records, crc32: frame.crc32, offset, frameBytes },
      end: offset + frameBytes,
    };
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
};

export interface SegmentScan {
  readonly header: SegmentHeader;
  readonly entries: readonly SegmentEntry[];
  /** Bytes up to the first flaw, or the file's size. */
  readonly soundBytes: number;
}

/** Reads a whole segment and checks every byte of it; undefined when not even its header is sound. */
export const scanSegment = async (file: DiskFile, stream: number): Promise<SegmentScan | undefined> => {
  const head = await readHeader(file);
  if (!head) return undefined;
  const entries: SegmentEntry[] = [];
  let soundBytes = head.end;
  for (;;) {
    const next = await readEntry(file, soundBytes, stream, head.header.firstSeq + entries.length);
    if (!next) return { header: head.header, entries, soundBytes };
    entries.push(next.entry);
    soundBytes = next.end;
  }
};
