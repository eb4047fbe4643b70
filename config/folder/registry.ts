import { ERROR_KINDS } from '#protocol/errors.ts';
import type { ConnectionState, Problem } from '#protocol/status.ts';
import type { Connection } from '../connection/connection.ts';
import { changedKeys, changedOutside, listed } from '../connection/digests.ts';
import type { ParsedConnection } from '../connection/parse.ts';
import type { Remembered } from './ledger.ts';

/** One thing that happened to a connection file. `journal` is one line for the log, without any value of a key. */
export interface ConnectionChange {
  readonly file: string;
  readonly code: string | undefined;
  readonly journal: string;
}

interface InForce {
  readonly connection: Connection;
  readonly parsed: ParsedConnection;
  readonly loadedAt: string;
}

interface Entry {
  readonly file: string;
  parsed: ParsedConnection;
  inForce: InForce | undefined;
  /** Files of the same code, with the severity for this file. */
  rivals: { readonly files: readonly string[]; readonly owner: boolean } | undefined;
  /** When this file was first loaded with its code: the smallest keeps it. */
  order: number;
}

/** What the folder held at one moment. */
export interface Snapshot {
  readonly files: ReadonlyMap<string, ParsedConnection>;
}

/** Which version of which connection is in force, and what is to be said of every file. Knows no disk and no clock. */
export class Registry {
  readonly #entries = new Map<string, Entry>();
  readonly #absent = new Map<string, Remembered>();
  readonly #remembered = new Map<string, string>();
  #order = 0;
  #folderProblem: Problem | undefined;

  constructor(remembered: readonly Remembered[]) {
    for (const item of remembered) {
      this.#absent.set(item.code, item);
      this.#remembered.set(item.code, item.file);
    }
  }

  /** The version in force of a connection. */
  get(code: string): Connection | undefined {
    for (const { inForce } of this.#entries.values()) if (inForce?.connection.code === code) return inForce.connection;
    return undefined;
  }

  /** What to remember across restarts. */
  remembered(): readonly Remembered[] {
    const present = [...this.#entries.values()].flatMap(({ file, inForce }) =>
      inForce === undefined ? [] : [{ code: inForce.connection.code, name: inForce.connection.name, file }],
    );
    return [...present, ...this.#absent.values()];
  }

  /** The folder cannot be read: everything in force stays, since failure is not emptiness. */
  folderFailed(folder: string, reason: string): readonly ConnectionChange[] {
    const message = `The connections folder cannot be read: ${reason}.`;
    if (this.#folderProblem?.message === message) return [];
    this.#folderProblem = {
      severity: 'error',
      code: 'config.unreadable',
      message,
      advice: 'Restore the folder, or name another one as `connections` in agent.conf.',
      file: folder,
    };
    return [{ file: folder, code: undefined, journal: `${message} What was loaded stays in force.` }];
  }

  /** Takes over what was read and says what changed. `nowIso` is the time of loading. */
  apply(snapshot: Snapshot, nowIso: string): readonly ConnectionChange[] {
    const changes: ConnectionChange[] = [];
    if (this.#folderProblem !== undefined) {
      changes.push({
        file: this.#folderProblem.file,
        code: undefined,
        journal: 'The connections folder can be read again.',
      });
      this.#folderProblem = undefined;
    }
    const before = new Map([...this.#entries].map(([file, entry]) => [file, { ...entry }]));
    for (const [file, entry] of this.#entries)
      if (!snapshot.files.has(file)) {
        this.#entries.delete(file);
        this.#leave(entry);
      }
    for (const [file, parsed] of snapshot.files) {
      const entry = this.#entries.get(file);
      if (entry === undefined) {
        this.#order += 1;
        this.#entries.set(file, { file, parsed, inForce: undefined, rivals: undefined, order: this.#order });
      } else {
        entry.parsed = parsed;
      }
    }
    this.#settle(nowIso);
    for (const [file, entry] of this.#entries) this.#describe(before.get(file), entry, changes);
    for (const [file, old] of before) {
      if (this.#entries.has(file)) continue;
      const code = old.inForce?.connection.code ?? old.parsed.code;
      const successor = code === undefined ? undefined : this.#ownerOf(code);
      changes.push({
        file,
        code,
        journal:
          successor === undefined
            ? `removed ${file}${old.inForce === undefined ? '' : `: connection ${code} is absent`}`
            : `removed ${file}: connection ${code} is now in ${successor.file}`,
      });
    }
    return changes;
  }

  #ownerOf(code: string): Entry | undefined {
    return [...this.#entries.values()].find((entry) => entry.inForce?.connection.code === code);
  }

  #leave(entry: Entry): void {
    if (entry.inForce === undefined) return;
    const { code, name } = entry.inForce.connection;
    this.#absent.set(code, { code, name, file: entry.file });
  }

  /** Decides for every code which file holds it. */
  #settle(nowIso: string): void {
    const claims = new Map<string, Entry[]>();
    const claim = (code: string, entry: Entry): void => {
      const list = claims.get(code);
      if (list === undefined) claims.set(code, [entry]);
      else list.push(entry);
    };
    for (const entry of this.#entries.values()) {
      const code = entry.parsed.connection?.code ?? entry.inForce?.connection.code;
      if (code !== undefined) claim(code, entry);
    }
    const rank = (entry: Entry, code: string): readonly [number, number] => [
      // In force already, then remembered from before a restart, then the order in which the files were seen.
      entry.inForce?.connection.code === code ? 0 : this.#remembered.get(code) === entry.file ? 1 : 2,
      entry.order,
    ];
    for (const entry of this.#entries.values()) entry.rivals = undefined;
    for (const [code, entries] of claims) {
      entries.sort((a, b) => {
        const [a1, a2] = rank(a, code);
        const [b1, b2] = rank(b, code);
        return a1 - b1 || a2 - b2;
      });
      const [owner, ...others] = entries;
      if (owner === undefined) continue;
      this.#take(owner, nowIso);
      this.#absent.delete(code);
      if (others.length === 0) continue;
      owner.rivals = { files: others.map((entry) => entry.file), owner: true };
      for (const other of others) other.rivals = { files: [owner.file], owner: false };
    }
    this.#yield();
  }

  /** A file that lost its new code keeps its last good version only while nobody else holds the old code. */
  #yield(): void {
    const owners = new Set<string>();
    for (const entry of [...this.#entries.values()].sort((a, b) => Number(losing(a)) - Number(losing(b)))) {
      const code = entry.inForce?.connection.code;
      if (code === undefined) continue;
      if (owners.has(code)) entry.inForce = undefined;
      owners.add(code);
    }
  }

  #take(entry: Entry, nowIso: string): void {
    const { connection } = entry.parsed;
    if (connection === undefined) return;
    if (entry.inForce?.connection.contentHash === connection.contentHash) return;
    if (entry.inForce !== undefined && entry.inForce.connection.code !== connection.code) this.#leave(entry);
    entry.inForce = { connection, parsed: entry.parsed, loadedAt: nowIso };
  }

  #describe(before: Entry | undefined, entry: Entry, changes: ConnectionChange[]): void {
    const { file, inForce } = entry;
    const code = inForce?.connection.code ?? entry.parsed.code;
    const say = (journal: string): void => void changes.push({ file, code, journal });
    const said = JSON.stringify(this.#problems(entry));
    const changed = inForce?.connection.contentHash !== before?.inForce?.connection.contentHash;
    if (changed && inForce !== undefined) {
      const old = before?.inForce;
      if (old === undefined) say(`loaded ${file}: connection ${code}`);
      else if (old.connection.code !== code)
        say(`reloaded ${file}: code changed from ${old.connection.code} to ${code}, a new connection`);
      else say(`reloaded ${file}: ${differences(old.parsed, inForce.parsed)}`);
      return;
    }
    if (before !== undefined && JSON.stringify(this.#problems(before)) === said) return;
    const errors = this.#problems(entry).filter((problem) => problem.severity === 'error');
    const [first] = errors;
    if (first !== undefined)
      say(
        `${file} is in error${first.line === undefined ? '' : ` at line ${first.line}`} (${first.code})${inForce === undefined ? '' : '; the last good version stays in force'}`,
      );
    else if (before !== undefined) say(`${file} has other warnings than before, or is in order again`);
  }

  #problems(entry: Entry): readonly Problem[] {
    const { rivals, parsed } = entry;
    if (rivals === undefined) return parsed.problems;
    const names = `${rivals.files.join(', ')} ${rivals.files.length > 1 ? 'have' : 'has'}`;
    return [
      {
        severity: rivals.owner ? 'warning' : 'error',
        code: 'config.duplicate_code',
        message: rivals.owner
          ? `${names} the same code; this file was there first and stays in force.`
          : `${names} the same code and was there first; this file is not used.`,
        advice: ERROR_KINDS['config.duplicate_code'].advice,
        file: entry.file,
      },
      ...parsed.problems,
    ];
  }

  /** What the agent reports, by file name. */
  states(): readonly ConnectionState[] {
    const present = [...this.#entries.values()].map((entry): ConnectionState => {
      const { inForce, parsed, file } = entry;
      const connection = inForce?.connection;
      const problems = [...this.#problems(entry)];
      if (this.#folderProblem !== undefined) problems.unshift(this.#folderProblem);
      const failed = problems.some((problem) => problem.severity === 'error');
      return {
        file,
        code: connection?.code ?? parsed.code ?? null,
        name: connection?.name ?? parsed.name ?? null,
        state: failed ? 'error' : connection?.enabled === false ? 'disabled' : 'ready',
        inForce: connection?.contentHash ?? null,
        loadedAt: inForce?.loadedAt ?? null,
        url: connection === undefined ? null : urlOf(connection),
        authentication: connection?.authentication.type ?? null,
        environment: connection?.environment ?? null,
        description: connection?.description ?? null,
        accessNotes: connection?.accessNotes ?? null,
        bypassCertificateValidation: connection?.tls.bypassCertificateValidation ?? false,
        problems,
        ...(connection === undefined ? {} : { settings: [...(connection.settings ?? [])] }),
      };
    });
    const absent = [...this.#absent.values()].map(
      ({ code, name, file }): ConnectionState => ({ ...NOTHING, file, code, name, state: 'absent' }),
    );
    // With no file to say it at, a folder that cannot be read is said as if it were one.
    const broken: ConnectionState[] =
      this.#folderProblem === undefined || present.length > 0
        ? []
        : [{ ...NOTHING, file: this.#folderProblem.file, state: 'error', problems: [this.#folderProblem] }];
    return [...present, ...absent, ...broken].sort((a, b) =>
      a.file === b.file ? Number(a.state === 'absent') - Number(b.state === 'absent') : a.file < b.file ? -1 : 1,
    );
  }
}

const NOTHING = {
  code: null,
  name: null,
  inForce: null,
  loadedAt: null,
  url: null,
  authentication: null,
  environment: null,
  description: null,
  accessNotes: null,
  bypassCertificateValidation: false,
  problems: [],
};

const losing = (entry: Entry): boolean => entry.rivals?.owner === false;

const urlOf = ({ origin, prefix }: Connection): string => (prefix === '' ? origin : `${origin}/${prefix}`);

/** What an edit changed, without any value. */
const differences = (old: ParsedConnection, now: ParsedConnection): string => {
  const outside = changedOutside(old.outsideDigests, now.outsideDigests);
  const names = [...outside, ...changedKeys(old.digests, now.digests)];
  return names.length === 0 ? 'only comments changed' : listed(names);
};
