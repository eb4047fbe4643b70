import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { Identity } from '#agent/bridge/identity.ts';
import type { RecordLines } from '#agent/bridge/record-gate.ts';
import { errnoOf } from '#config/durable-file.ts';
import { LIMITS } from '#protocol/constants.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import {
  PACKAGE_CHUNKS,
  PACKAGE_LIMITS,
  PACKAGE_MAGIC,
  PACKAGE_VERSION,
  type PackageEnd,
  type PackageHeader,
  packageText,
} from '#protocol/package.ts';
import type { StreamRecord } from '#protocol/records.ts';

const pack = promisify(zstdCompress);
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

const fresh = async (path: string): Promise<FileHandle> => {
  await rm(path, { force: true });
  return await open(path, 'wx', 0o600);
};

/**
 * Writes a crawl as one signed file. It has its name only when it is whole: until then it lies beside, and goes when the
 * crawl fails. Readable by this user only.
 */
export class PackageFile implements RecordLines, AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #identity: Identity;
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  #lineBytes = 0;
  #batches = 0;
  #records = 0;
  #rawBytes = 0;
  /** Several apps write side by side: one batch after the other goes to the file. */
  #writing: Promise<void> = Promise.resolve();
  #isOpen = true;

  private constructor(path: string, file: FileHandle, identity: Identity) {
    this.#path = path;
    this.#file = file;
    this.#identity = identity;
  }

  static async open(
    path: string,
    identity: Identity,
    header: Omit<PackageHeader, 'version' | 'codec' | 'agentId' | 'keyId'>,
  ): Promise<PackageFile> {
    // Made anew, whatever lies there: a file or link of another user would have what is written into it.
    const file = await fresh(`${path}.part`).catch((cause: unknown) => {
      throw new Fault('spool.failed', `${path} cannot be written (${errnoOf(cause)})`, {
        cause,
        advice: 'Choose a file that this user may write.',
      });
    });
    const made = new PackageFile(path, file, identity);
    const { keyId } = identity.sign(() => '');
    const whole = { ...header, version: PACKAGE_VERSION, agentId: identity.agentId, keyId, codec: 'zstd' as const };
    await made.#put(Buffer.from(PACKAGE_MAGIC));
    await made.#chunk(PACKAGE_CHUNKS.header, Buffer.from(JSON.stringify(whole satisfies PackageHeader)));
    return made;
  }

  async write(_record: StreamRecord, line: string): Promise<void> {
    const bytes = Buffer.byteLength(line);
    if (this.#lineBytes + bytes > PACKAGE_LIMITS.rawBytes) this.#cut();
    this.#lines.push(line);
    this.#lineBytes += bytes;
    if (this.#lines.length >= LIMITS.batchRecords) this.#cut();
    await this.#writing;
  }

  /** Signs it and gives it its name. @throws Fault when it could not be written */
  async close(): Promise<PackageEnd> {
    this.#cut();
    await this.#writing;
    const end: PackageEnd = {
      batches: this.#batches,
      records: this.#records,
      rawBytes: this.#rawBytes,
      sha256: this.#hash.copy().digest('hex'),
    };
    try {
      await this.#chunk(PACKAGE_CHUNKS.end, Buffer.from(JSON.stringify(end)));
      const sha256 = this.#hash.copy().digest('hex');
      const { signature } = this.#identity.sign((agentId, keyId) => packageText(agentId, keyId, sha256));
      await this.#chunk(PACKAGE_CHUNKS.signature, signature);
      await this.#file.sync();
      await this.#file.close();
      this.#isOpen = false;
      await rename(`${this.#path}.part`, this.#path);
    } catch (error) {
      throw this.#failure(error);
    }
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#writing.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await rm(`${this.#path}.part`, { force: true }).catch(() => undefined);
  }

  #cut(): void {
    if (this.#lines.length === 0) return;
    const [records, raw] = [this.#lines.length, Buffer.from(this.#lines.join(''))];
    this.#lines = [];
    this.#lineBytes = 0;
    this.#batches += 1;
    this.#records += records;
    this.#rawBytes += raw.length;
    this.#writing = this.#writing.then(async () => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(records, 0);
      head.writeUInt32BE(raw.length, 4);
      await this.#chunk(PACKAGE_CHUNKS.batch, Buffer.concat([head, await pack(raw, LEVEL)]));
    });
    // Whoever writes or closes next is told.
    this.#writing.catch(() => undefined);
  }

  async #chunk(kind: number, payload: Uint8Array): Promise<void> {
    const head = Buffer.alloc(5);
    head.writeUInt8(kind, 0);
    head.writeUInt32BE(payload.length, 1);
    await this.#put(Buffer.concat([head, payload]));
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    try {
      await this.#file.writeFile(bytes);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(cause: unknown): Fault {
    if (cause instanceof Fault) return cause;
    const full = errnoOf(cause) === 'ENOSPC';
    return new Fault(
      full ? 'spool.full' : 'spool.failed',
      `${this.#path} cannot be written: ${asFault(cause).message}`,
      {
        cause,
        advice: full ? 'Free disk space and run the crawl again.' : 'Choose a file that this user may write.',
      },
    );
  }
}
