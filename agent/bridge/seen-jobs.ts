import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type Disk, nodeDisk } from '#agent/spool/disk.ts';
import { errnoOf } from '#config/durable-file.ts';
import type { AttemptRef } from '#protocol/agent-events.ts';
import { Fault } from '#protocol/errors.ts';
import type { JobSpec } from '#protocol/messages.ts';

/**
 * How far the catalog's clock may go back, as when another server takes its database over: what was issued earlier, before
 * the newest that was seen, is old.
 */
const TOLERANCE_MS = 10 * 60_000;
/** Jobs that are kept in mind: more than an agent is given in that time. */
const MOST = 256;
/** The same of one session, which lasts for hours. */
const MOST_IN_SESSION = 10_000;

const Stored = z.object({
  version: z.literal(1),
  agentId: z.string(),
  /** Newest `issuedAt` that was seen, in ms since 1970 on the catalog's clock; null while no job had one. */
  newestMs: z.number().nullable(),
  /** What was issued up to here is old, since not all of it is kept in mind. */
  floorMs: z.number().nullable(),
  /** Job, its latest attempt, and when that was issued; not an object, since a job may be called `__proto__`. */
  jobs: z.array(z.tuple([z.string(), z.int(), z.number().nullable()])),
});
type Stored = z.infer<typeof Stored>;

/**
 * The record and its checksum: a bit that rots in a time can lie centuries ahead, and would make the agent refuse every
 * job that comes after. Records of before had none.
 */
const Summed = Stored.extend({ crc32: z.int().optional() });

const sumOf = (stored: Stored): number => crc32(JSON.stringify(stored));

/**
 * Which attempts this agent was given, so that an old job that somebody sends again is not run again: the catalog's
 * signature under it is genuine. The agent draws a challenge for each session; the text of a job repeats it and names its
 * attempt: a text of another session is none that was asked for now, and in its own each attempt is taken once. No clock
 * plays a part, so that neither a catalog whose clock was wrong nor one that lost commits has its jobs refused.
 *
 * Catalogs of before repeat no challenge: of theirs, none is taken that was issued before those that came already, by the
 * catalog's clock in the signed texts. Theirs alone need a record that outlives the process.
 */
export class SeenJobs {
  readonly #path: string | undefined;
  readonly #disk: Disk;
  #stored: Stored;
  /** Writes go one after another: an older record must not come to lie over a newer one. */
  #writing: Promise<void> = Promise.resolve();
  #challenge: string | undefined;
  /** The latest attempt of each job that was taken in this session, oldest first. */
  readonly #taken = new Map<string, number>();

  private constructor(path: string | undefined, disk: Disk, stored: Stored) {
    this.#path = path;
    this.#disk = disk;
    this.#stored = stored;
  }

  /**
   * Reads the record of an agent; another agent's counts for nothing. Without a path nothing outlives the process.
   * @param onDamaged called when the file cannot be used: then what was seen is forgotten
   * @throws Fault `spool.failed` when it is there and cannot be read
   */
  static async open(
    path: string | undefined,
    agentId: string,
    onDamaged: () => void = () => undefined,
    disk: Disk = nodeDisk,
  ): Promise<SeenJobs> {
    const nothing: Stored = { version: 1, agentId, newestMs: null, floorMs: null, jobs: [] };
    if (path === undefined) return new SeenJobs(path, disk, nothing);
    let bytes: Uint8Array;
    try {
      bytes = await disk.readFile(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return new SeenJobs(path, disk, nothing);
      throw new Fault('spool.failed', `${path} cannot be read (${errnoOf(error)})`, { cause: error });
    }
    try {
      const { crc32: sum, ...stored } = Summed.parse(JSON.parse(Buffer.from(bytes).toString()));
      if (sum !== undefined && sum !== sumOf(stored)) throw new Error('its checksum is wrong');
      return new SeenJobs(path, disk, stored.agentId === agentId ? stored : nothing);
    } catch {
      onDamaged();
      return new SeenJobs(path, disk, nothing);
    }
  }

  /** A session opens: texts that were signed before count for nothing. @returns what the texts of this one repeat */
  challenge(drawn = randomBytes(32).toString('base64')): string {
    this.#challenge = drawn;
    this.#taken.clear();
    return drawn;
  }

  /**
   * Why a job with a genuine signature is none that was asked for now; undefined when it is.
   *
   * @param when `taken`: it was judged when it was offered, and another session may have begun since
   */
  judge(spec: JobSpec, { jobId, attempt }: AttemptRef, when: 'offered' | 'taken' = 'offered'): Fault | undefined {
    const replayed = (why: string): Fault => new Fault('bridge.job_replayed', `Job ${jobId} ${why}`);
    const { newestMs, floorMs, jobs } = this.#stored;
    if (spec.attempt !== undefined && spec.attempt !== attempt)
      return replayed(`was signed for attempt ${spec.attempt}, not for ${attempt}`);
    if (spec.challenge !== undefined && spec.attempt !== undefined) {
      if (when === 'offered' && spec.challenge !== this.#challenge) return replayed('was signed for another session');
      return attempt <= (this.#taken.get(jobId) ?? 0)
        ? replayed(`came again: attempt ${attempt} was taken before`)
        : undefined;
    }
    if (jobs.some(([name, latest]) => name === jobId && attempt <= latest))
      return replayed(`came again: attempt ${attempt} was taken before`);
    if (spec.issuedAt === undefined || spec.attempt === undefined)
      // A catalog that once said when it issues jobs always does.
      return newestMs === null ? undefined : replayed('does not say when it was issued');
    const issuedMs = Date.parse(spec.issuedAt);
    if (!Number.isFinite(issuedMs)) return replayed('has no time of issue');
    if (newestMs !== null && issuedMs < newestMs - TOLERANCE_MS)
      return replayed(`was issued ${spec.issuedAt}, before others that came already (${isoOf(newestMs)})`);
    if (floorMs !== null && issuedMs <= floorMs)
      return replayed(`was issued ${spec.issuedAt}, too long ago to know whether it ran`);
    return undefined;
  }

  /** Keeps in mind that the attempt is taken; durable when it resolves. @throws Fault `spool.failed` */
  async remember(spec: JobSpec, { jobId, attempt }: AttemptRef): Promise<void> {
    this.#taken.delete(jobId);
    this.#taken.set(jobId, attempt);
    for (const oldest of this.#taken.keys()) if (this.#taken.size > MOST_IN_SESSION) this.#taken.delete(oldest);
    const issuedMs = spec.issuedAt === undefined ? null : Date.parse(spec.issuedAt);
    const { newestMs, jobs } = this.#stored;
    const newest = issuedMs === null ? newestMs : Math.max(newestMs ?? issuedMs, issuedMs);
    // Those that are too old to be taken need not be kept in mind.
    const kept = [...jobs.filter(([name]) => name !== jobId), [jobId, attempt, issuedMs] as Stored['jobs'][number]]
      .filter(([, , issued]) => issued === null || newest === null || issued >= newest - TOLERANCE_MS)
      // Those without a time, of an older catalog, by when they came.
      .sort(([, , a], [, , b]) => (a ?? 0) - (b ?? 0));
    const forgotten = kept.slice(0, -MOST).flatMap(([, , issued]) => issued ?? []);
    const floors = [this.#stored.floorMs ?? Number.NEGATIVE_INFINITY, ...forgotten.slice(-1)];
    const floor = Math.max(...floors);
    this.#stored = {
      ...this.#stored,
      newestMs: newest,
      floorMs: Number.isFinite(floor) ? floor : null,
      jobs: kept.slice(-MOST),
    };
    const path = this.#path;
    if (path === undefined) return;
    const written = this.#writing.then(() =>
      this.#disk.replaceFile(path, Buffer.from(`${JSON.stringify({ ...this.#stored, crc32: sumOf(this.#stored) })}\n`)),
    );
    this.#writing = written.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      throw new Fault('spool.failed', `${path} cannot be written (${errnoOf(error)})`, { cause: error });
    }
  }
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
