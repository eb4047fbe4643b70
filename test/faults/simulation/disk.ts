import type { Disk, DiskFile } from '#agent/spool/disk.ts';
import { patiently } from '#config/durable-file.ts';
import type { Counters } from './counters.ts';
import type { Random } from './random.ts';
import type { Owner, Time } from './time.ts';

interface Inode {
  data: Buffer;
  /** What is on the platter for certain. */
  synced: Buffer;
}

const EMPTY = Buffer.alloc(0);
/** Removed files that are still known as what a process may have read. */
const REMEMBERED = 20;
const errno = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });

/** What a crash did to the disk. */
export interface CrashDamage {
  readonly lost: number;
  readonly torn: number;
  readonly names: number;
}

/** Where agents keep their attempts. */
export const SPOOL = '/state/spool';

/**
 * A disk that outlives the processes which use it. What was written and not synced is lost, whole or torn when the
 * process dies (the machine with it); so are the newest changes of names, in the order in which they were made.
 */
export class SimulatedDisk {
  readonly #time: Time;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #files = new Map<string, Inode>();
  readonly #folders = new Set<string>();
  readonly #removed: (readonly [string, Inode])[] = [];
  /** How to take back the changes of names since the last one that was synced, oldest first. */
  #undo: (() => void)[] = [];
  /** Writes that are under way: how to do a part of them. */
  readonly #underWay = new Set<(share: number) => void>();
  fullUntilMs = 0;
  busyUntilMs = 0;

  constructor(time: Time, random: Random, counters: Counters) {
    this.#counters = counters;
    this.#time = time;
    this.#random = random;
  }

  /** The disk as one process sees it: nothing that it began is answered after its end. */
  mount(owner: Owner): Disk {
    const act = <T>(path: string, work: () => T, part?: (share: number) => void): Promise<T> =>
      patiently(
        async () => {
          if (!owner.alive) await new Promise<never>(() => undefined);
          if (part) this.#underWay.add(part);
          await this.#time.delay(this.#random.between(0.1, 3), owner);
          if (part) this.#underWay.delete(part);
          if (this.#time.nowMs < this.busyUntilMs && this.#random.chance(0.7)) {
            this.#counters.count('disk.busy');
            throw errno('EBUSY', path);
          }
          return work();
        },
        (ms) => this.#time.delay(ms, owner),
      );
    return {
      makeFolder: (path) =>
        act(path, () => {
          this.#folders.add(path);
        }),
      list: (path) => act(path, () => this.#list(path)),
      readFile: (path) => act(path, () => Buffer.from(this.#inode(path).data)),
      replaceFile: (path, bytes) => {
        const replace = (): void => {
          const before = this.#files.get(path);
          this.#files.set(path, { data: Buffer.from(bytes), synced: Buffer.from(bytes) });
          this.#undo.push(() => (before ? this.#files.set(path, before) : this.#files.delete(path)));
        };
        return act(
          path,
          () => {
            this.#room(bytes.length);
            replace();
            this.#undo = [];
          },
          (share) => {
            if (share > 0.7) replace();
          },
        );
      },
      open: (path) => act(path, () => this.#file(path, this.#inode(path), act)),
      create: (path) =>
        act(path, () => {
          this.#room(0);
          const inode = { data: EMPTY, synced: EMPTY };
          this.#files.set(path, inode);
          // Its folder is synced before it is handed out.
          this.#undo = [];
          this.#counters.count('disk.created');
          return this.#file(path, inode, act);
        }),
      removeFile: (path) =>
        act(path, () => {
          this.#remove(path);
        }),
      removeFolder: (path) =>
        act(path, () => {
          for (const name of [...this.#files.keys()]) if (name.startsWith(`${path}/`)) this.#remove(name);
          if (this.#folders.delete(path)) this.#undo.push(() => this.#folders.add(path));
        }),
      freeBytes: (path) => act(path, () => 1e9),
    };
  }

  /** The machine goes down. */
  crash(): CrashDamage {
    const random = this.#random;
    for (const part of this.#underWay) part(random.next());
    this.#underWay.clear();
    let lost = 0;
    let torn = 0;
    for (const inode of this.#files.values()) {
      const { data, synced } = inode;
      if (data.equals(synced)) continue;
      const fate = random.next();
      if (fate < 0.35) {
        inode.data = synced;
        lost += 1;
      } else if (fate < 0.75) {
        // A part of what came after the common beginning, perhaps with the length of the whole but not its content.
        let same = 0;
        while (same < data.length && same < synced.length && data[same] === synced[same]) same += 1;
        const kept = random.int(same, data.length);
        const rest = random.chance(0.5) ? Buffer.alloc(data.length - kept) : EMPTY;
        inode.data = Buffer.concat([data.subarray(0, kept), rest]);
        torn += 1;
      }
      inode.synced = inode.data;
    }
    const names = random.chance(0.5) ? random.int(0, this.#undo.length) : 0;
    for (let n = 0; n < names; n += 1) this.#undo.pop()?.();
    this.#undo = [];
    return { lost, torn, names };
  }

  /** The same process that stops without the machine going down: what it wrote stays. */
  settle(): void {
    this.#underWay.clear();
  }

  /** One bit of a file turns over; false when there is nothing to spoil. */
  flip(match: (path: string) => boolean): string | undefined {
    const paths = [...this.#files].filter(([path, { data }]) => data.length > 0 && match(path)).map(([path]) => path);
    const path = this.#random.pick(paths);
    const inode = path === undefined ? undefined : this.#files.get(path);
    if (!inode) return undefined;
    const at = this.#random.int(0, inode.data.length - 1);
    const flipped = Buffer.from(inode.data);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#random.int(0, 7));
    const whole = inode.data.equals(inode.synced);
    inode.data = flipped;
    if (whole) inode.synced = flipped;
    return `${path} byte ${at}`;
  }

  /** Another machine's disk with the same bytes, as a copied virtual machine has it. */
  copy(): SimulatedDisk {
    const other = new SimulatedDisk(this.#time, this.#random, this.#counters);
    for (const folder of this.#folders) other.#folders.add(folder);
    for (const [path, { synced }] of this.#files) other.#files.set(path, { data: synced, synced });
    return other;
  }

  /** Whether these bytes lie synced in a file of a folder below. */
  holds(bytes: Uint8Array, match: (path: string) => boolean): boolean {
    for (const [path, { synced }] of [...this.#files, ...this.#removed])
      if (match(path) && synced.includes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) return true;
    return false;
  }

  /** Files of attempts. */
  get spoolFiles(): number {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${SPOOL}/`)).length;
  }

  #remove(path: string): void {
    const inode = this.#files.get(path);
    if (!inode) return;
    this.#files.delete(path);
    // Whoever has it open still reads it.
    this.#removed.push([path, inode]);
    if (this.#removed.length > REMEMBERED) this.#removed.shift();
    this.#undo.push(() => this.#files.set(path, inode));
  }

  #list(path: string): string[] {
    const names = new Set<string>();
    for (const full of [...this.#files.keys(), ...this.#folders])
      if (full.startsWith(`${path}/`)) names.add(full.slice(path.length + 1).split('/', 1)[0] ?? '');
    return [...names].sort();
  }

  #inode(path: string): Inode {
    const inode = this.#files.get(path);
    if (!inode) throw errno('ENOENT', path);
    return inode;
  }

  #room(bytes: number): void {
    if (this.#time.nowMs >= this.fullUntilMs || bytes === 0) return;
    this.#counters.count('disk.full');
    throw errno('ENOSPC', 'the disk');
  }

  #file(
    path: string,
    inode: Inode,
    act: <T>(path: string, work: () => T, part?: (share: number) => void) => Promise<T>,
  ): DiskFile {
    const put = (bytes: Uint8Array, position: number): void => {
      const end = position + bytes.length;
      const grown = Buffer.alloc(Math.max(inode.data.length, end));
      inode.data.copy(grown);
      grown.set(bytes, position);
      inode.data = grown;
    };
    return {
      write: (bytes, position) => {
        this.#counters.count('disk.writing');
        return act(
          path,
          () => {
            if (this.#time.nowMs < this.fullUntilMs) put(bytes.subarray(0, bytes.length >> 1), position);
            this.#room(bytes.length);
            put(bytes, position);
            this.#counters.count('disk.written');
          },
          (share) => put(bytes.subarray(0, Math.floor(share * bytes.length)), position),
        );
      },
      datasync: () =>
        act(path, () => {
          inode.synced = inode.data;
        }),
      truncate: (bytes) =>
        act(path, () => {
          inode.data = inode.data.subarray(0, bytes);
        }),
      read: (position, length) => act(path, () => Buffer.from(inode.data.subarray(position, position + length))),
      size: () => act(path, () => inode.data.length),
      close: async () => undefined,
    };
  }
}
