import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { Fault } from '#protocol/errors.ts';
import {
  PACKAGE_CHUNKS,
  PACKAGE_LIMITS,
  PACKAGE_MAGIC,
  PACKAGE_VERSION,
  PackageEnd,
  PackageHeader,
  packageText,
} from '#protocol/package.ts';
import { readLines } from './decode.ts';
import { signatureHolds } from './ed25519.ts';

/** A batch of a package, as one comes from a tunnel. */
export interface PackedBatch {
  readonly seq: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly crc32: number;
  readonly payload: Buffer;
}

const damaged = (what: string): Fault => new Fault('package.damaged', `The package is damaged: ${what}.`);

const { header: HEADER, batch: BATCH, end: END, signature: SIGNATURE } = PACKAGE_CHUNKS;
const SIGNATURE_BYTES = 64;
/** The most that a chunk of each kind may have: nothing larger is ever read into memory. */
const MOST: ReadonlyMap<number, number> = new Map([
  [HEADER, PACKAGE_LIMITS.jsonBytes],
  [BATCH, PACKAGE_LIMITS.batchBytes],
  [END, PACKAGE_LIMITS.jsonBytes],
  [SIGNATURE, SIGNATURE_BYTES],
]);

/**
 * Reads a package from its beginning to its end, one batch in memory at a time. What it says counts only once
 * {@link PackageReader.finish} found all of it whole and signed.
 */
export class PackageReader implements AsyncDisposable {
  readonly header: PackageHeader;
  readonly #file: FileHandle;
  readonly #hash: ReturnType<typeof createHash>;
  #next: { readonly kind: number; readonly payload: Buffer } | undefined;
  #seq = 0;
  #records = 0;
  #rawBytes = 0;
  /** Of all before the chunk that was read last. */
  #before = '';

  private constructor(file: FileHandle, header: PackageHeader, hash: ReturnType<typeof createHash>) {
    this.#file = file;
    this.header = header;
    this.#hash = hash;
  }

  /** @throws Fault `package.unreadable`, `package.damaged`, `package.version` */
  static async open(path: string): Promise<PackageReader> {
    const file = await open(path).catch((cause: Error) => {
      throw new Fault('package.unreadable', `The package cannot be read: ${cause.message}`, { cause });
    });
    try {
      const hash = createHash('sha256');
      const magic = await readExactly(file, PACKAGE_MAGIC.length);
      if (magic?.toString('latin1') !== PACKAGE_MAGIC) throw damaged('it does not begin as a package does');
      hash.update(magic);
      const first = await readChunk(file, hash);
      if (first?.kind !== HEADER) throw damaged('it has no header');
      const said = parse(first.payload);
      const version = typeof said === 'object' && said !== null && 'version' in said ? said.version : undefined;
      if (version !== PACKAGE_VERSION)
        throw new Fault(
          'package.version',
          `The package has format version ${JSON.stringify(version)?.slice(0, 20)}; this catalog reads ${PACKAGE_VERSION}.`,
        );
      const header = PackageHeader.safeParse(said);
      if (!header.success) throw damaged(`its header: ${header.error.issues[0]?.message ?? ''}`);
      return new PackageReader(file, header.data, hash);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * The batches in their order, each unpacked and counted.
   *
   * @throws Fault `package.damaged`
   */
  async *batches(): AsyncGenerator<PackedBatch> {
    for (;;) {
      const hash = this.#hash.copy();
      const chunk = await readChunk(this.#file, this.#hash);
      if (chunk?.kind !== BATCH) {
        this.#before = hash.digest('hex');
        this.#next = chunk;
        return;
      }
      if (chunk.payload.length < 8 || this.#seq >= PACKAGE_LIMITS.batches) throw damaged('a batch is none');
      const [records, rawBytes] = [chunk.payload.readUInt32BE(0), chunk.payload.readUInt32BE(4)];
      const payload = chunk.payload.subarray(8);
      this.#seq += 1;
      const batch = { seq: this.#seq, records, rawBytes, codec: 'zstd', payload };
      // It never unpacks to more than it says, and says at most what a batch may have.
      await readLines(batch).catch((error: Error) => {
        throw damaged(error.message.replace(/\.$/, ''));
      });
      this.#records += records;
      this.#rawBytes += rawBytes;
      yield { seq: this.#seq, records, rawBytes, payload, crc32: crc32(payload) };
    }
  }

  /**
   * What the package says of itself, when all of it agrees and `publicKey` (SPKI, DER) signed it. To be called when all
   * batches were read.
   *
   * @throws Fault `package.damaged`
   */
  async finish(publicKey: Uint8Array): Promise<PackageEnd> {
    const chunk = this.#next;
    if (chunk === undefined) throw damaged('it was cut off');
    const end = chunk.kind === END ? PackageEnd.safeParse(parse(chunk.payload)) : undefined;
    if (end?.success !== true) throw damaged('it has no end');
    const { batches, records, rawBytes, sha256 } = end.data;
    if (sha256 !== this.#before || batches !== this.#seq || records !== this.#records || rawBytes !== this.#rawBytes)
      throw damaged('its content does not agree with its checksum');
    const whole = this.#hash.copy().digest('hex');
    const signature = await readChunk(this.#file, this.#hash);
    if (signature?.kind !== SIGNATURE) throw damaged('it has no signature');
    if ((await readExactly(this.#file, 1)) !== undefined) throw damaged('something follows behind its signature');
    const { agentId, keyId } = this.header;
    if (!signatureHolds(publicKey, packageText(agentId, keyId, whole), signature.payload.toString('base64')))
      throw damaged('its signature does not hold');
    return end.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

/** So many bytes; undefined at the end of the file. @throws Fault `package.damaged` when it ends within them */
const readExactly = async (file: FileHandle, length: number): Promise<Buffer | undefined> => {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, null).catch((cause: Error) => {
      throw new Fault('package.unreadable', `The package cannot be read: ${cause.message}`, { cause });
    });
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  if (read === 0 && length > 0) return undefined;
  if (read < length) throw damaged('it was cut off');
  return bytes;
};

const readChunk = async (
  file: FileHandle,
  hash: ReturnType<typeof createHash>,
): Promise<{ readonly kind: number; readonly payload: Buffer } | undefined> => {
  const head = await readExactly(file, 5);
  if (head === undefined) return undefined;
  const [kind, length] = [head.readUInt8(0), head.readUInt32BE(1)];
  const most = MOST.get(kind);
  if (most === undefined) throw damaged('a part of it is of no known kind');
  if (length > most) throw damaged('a part of it is larger than it may be');
  const payload = length === 0 ? Buffer.alloc(0) : await readExactly(file, length);
  if (payload === undefined) throw damaged('it was cut off');
  hash.update(head).update(payload);
  return { kind, payload };
};
