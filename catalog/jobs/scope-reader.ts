import { createHash, type Hash } from 'node:crypto';
import { LIMITS } from '#protocol/constants.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import { shortened } from '#protocol/printable.ts';
import { type Missing, NAME_CHARS, type OutcomeRecord, type StreamRecord } from '#protocol/records.ts';
import type { AttemptRef } from './attempt-ref.ts';
import type { EndedScope } from './ended-scope.ts';
import { asRow, BadRecord, checkScope, readRecord, type StagedRow } from './record.ts';

interface OpenScope {
  readonly kind: 'site' | 'app';
  readonly name: string;
  /** The batch in which it was opened: a replay begins there. */
  readonly firstSeq: number;
  readonly hash: Hash;
  records: number;
  refused: ErrorInfo | undefined;
  /** Rows of it were handed over to be staged. */
  isStaged: boolean;
  /** Of its lines whose rows are held. */
  heldBytes: number;
}

type RowRecord = Extract<StreamRecord, { t: 'asset' | 'edge' | 'listed' | 'picture' | 'gone' }>;
const ROWS: ReadonlySet<string> = new Set<RowRecord['t']>(['asset', 'edge', 'listed', 'picture', 'gone']);
const isRow = (record: StreamRecord): record is RowRecord => ROWS.has(record.t);

/** What some batches held, to be stored together. */
export interface ReadGroup {
  /** Scopes that began afresh: what was staged of them counts for nothing. */
  readonly dropped: readonly string[];
  readonly ended: readonly EndedScope[];
  /** Of the scopes that ended. */
  readonly rows: readonly StagedRow[];
  /** Of the scopes that did not: they are to be staged until the rest comes. */
  readonly left: readonly StagedRow[];
}

/** Lines of one scope that lie one behind the other: hashed in one go. */
interface Run {
  readonly hash: Hash;
  readonly first: Uint8Array;
  bytes: number;
}

/**
 * Reads the records of one attempt, line by line in their order, and knows which scopes are open. What it holds is handed
 * over with {@link ScopeReader.take}, all of it when it has to wait for more.
 */
export class ScopeReader {
  readonly #ref: AttemptRef;
  readonly #published: Set<string>;
  readonly #open = new Map<string, OpenScope>();
  #dropped: string[] = [];
  #ended: EndedScope[] = [];
  #rows: StagedRow[] = [];
  #readBytes = 0;
  #run: Run | undefined;

  /** @param published scopes that need not be read: this attempt published them before */
  constructor(ref: AttemptRef, published: Iterable<string>) {
    this.#ref = ref;
    this.#published = new Set(published);
  }

  /** Keys of scopes that began and did not end yet. */
  get openScopes(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** The first batch that an open scope needs; infinite when none is open. */
  get firstSeq(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { firstSeq } of this.#open.values()) first = Math.min(first, firstSeq);
    return first;
  }

  /** How much was read since the last {@link ScopeReader.take}: the sizes of the lines. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** How much of open scopes is held: the sizes of the lines. */
  get heldBytes(): number {
    let bytes = 0;
    for (const open of this.#open.values()) bytes += open.heldBytes;
    return bytes;
  }

  /**
   * Reads one line of batch `seq`.
   *
   * @throws Fault `bridge.protocol` when the stream cannot be used from here on, RangeError for values nested so deep that
   *   the stack ends
   */
  read(line: Uint8Array, seq: number): void {
    const record = this.#recordOf(line);
    if (record?.t === 'scope') this.#begin(record, seq);
    else if (record?.t === 'outcome') this.#end(record);
    else if (record !== undefined && isRow(record)) this.#add(record, line);
    else if (record)
      throw new Fault('bridge.protocol', `A record of kind ${record.t} came in a job of kind ${this.#ref.kind}.`);
  }

  /**
   * What was read and not taken yet, but for rows of small scopes that are still open, of which so many bytes may stay:
   * a row that is staged is written twice.
   */
  take(mayHoldBytes: number): ReadGroup {
    this.#hashRun();
    const held = this.#smallest(mayHoldBytes);
    const rows: StagedRow[] = [];
    const left: StagedRow[] = [];
    const staying: StagedRow[] = [];
    for (const row of this.#rows) {
      const open = this.#open.get(row.scope);
      if (open === undefined) rows.push(row);
      else if (open.refused !== undefined) continue;
      else if (held.has(open)) staying.push(row);
      else {
        open.isStaged = true;
        left.push(row);
      }
    }
    for (const open of this.#open.values()) if (!held.has(open)) open.heldBytes = 0;
    const group = { dropped: this.#dropped, ended: this.#ended, rows, left };
    this.#dropped = [];
    this.#ended = [];
    this.#rows = staying;
    this.#readBytes = 0;
    return group;
  }

  /** Open scopes whose rows may stay: the smallest that take no more bytes together. What began to be staged goes on so. */
  #smallest(mayHoldBytes: number): ReadonlySet<OpenScope> {
    const small = [...this.#open.values()]
      .filter(({ isStaged, refused }) => !isStaged && refused === undefined)
      .sort((a, b) => a.heldBytes - b.heldBytes);
    const found = new Set<OpenScope>();
    let bytes = 0;
    for (const open of small) {
      bytes += open.heldBytes;
      if (bytes > mayHoldBytes) break;
      found.add(open);
    }
    return found;
  }

  /** Nothing of what is open counts any more. */
  forget(): void {
    this.#open.clear();
    this.#rows = [];
    this.#run = undefined;
  }

  /** The record of a line; undefined when the line spoils its scope. */
  #recordOf(line: Uint8Array): StreamRecord | undefined {
    try {
      return readRecord(line);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#spoil(error, line);
      return undefined;
    }
  }

  #spoil(error: BadRecord, line: Uint8Array): void {
    if (error.scope !== undefined && this.#published.has(error.scope)) return;
    const open = error.scope === undefined ? undefined : this.#open.get(error.scope);
    if (!open) throw new Fault('bridge.protocol', `A record cannot be read: ${error.message}.`);
    this.#count(open, line);
    open.refused ??= new Fault(
      'bridge.protocol',
      `Nothing of ${open.name} was published: record ${open.records} cannot be stored: ${error.message}.`,
    ).toJSON();
  }

  #begin(record: StreamRecord & { t: 'scope' }, seq: number): void {
    const { scope, kind, name } = record;
    if (this.#published.has(scope)) {
      faultPoint('catalog.scope_repeated');
      return;
    }
    checkScope(this.#ref.connection, scope, kind);
    const before = this.#open.get(scope);
    if (before === undefined && this.#open.size >= LIMITS.openScopes)
      throw new Fault(
        'bridge.protocol',
        `More than ${LIMITS.openScopes} scopes are open at once, ${scope} among them.`,
      );
    if (before !== undefined) {
      this.#rows = this.#rows.filter((row) => row.scope !== scope);
      if (before.isStaged) this.#dropped.push(scope);
    }
    const hash = createHash('sha256');
    // Batches of before hold records of it, and a replay for another scope's sake reads them: never without its beginning.
    const firstSeq = before?.firstSeq ?? seq;
    const nothing = { records: 0, refused: undefined, isStaged: false, heldBytes: 0 };
    this.#open.set(scope, { kind, name: shortName(name), firstSeq, hash, ...nothing });
  }

  #add(record: RowRecord, line: Uint8Array): void {
    if (this.#published.has(record.scope)) return;
    const open = this.#open.get(record.scope);
    if (!open) throw new Fault('bridge.protocol', `A record came for the scope ${record.scope}, which is not open.`);
    try {
      const row = asRow(record, this.#ref.connection, open.records + 1);
      this.#count(open, line);
      if (!open.refused) this.#rows.push(row);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#spoil(error, line);
    }
  }

  #end(record: OutcomeRecord): void {
    const { scope, outcome, records, missing, error, reason, checkpoint } = record;
    if (this.#published.has(scope)) return;
    const open = this.#open.get(scope);
    if (!open) throw new Fault('bridge.protocol', `The scope ${scope} ended without having begun.`);
    this.#hashRun();
    const found = open.hash.digest('hex');
    const wrong =
      open.records !== records
        ? `${open.records} records came instead of ${records}`
        : found !== record.sha256.toLowerCase()
          ? 'its records do not agree with their checksum'
          : undefined;
    const refused =
      open.refused ??
      (wrong === undefined
        ? undefined
        : new Fault('bridge.protocol', `Nothing of ${open.name} was published: ${wrong}.`).toJSON());
    const { kind, name, isStaged } = open;
    if (refused) this.#rows = this.#rows.filter((row) => row.scope !== scope);
    this.#ended.push({
      ...{ key: scope, kind, name, outcome, records, missing: shortList(missing ?? []), reason, checkpoint },
      error: error && { ...error, message: shortName(error.message), advice: shortName(error.advice) },
      ...{ refused, isStaged, whole: allCame(kind, record) },
    });
    this.#open.delete(scope);
    this.#published.add(scope);
  }

  #count(open: OpenScope, line: Uint8Array): void {
    open.records += 1;
    open.heldBytes += line.length;
    this.#readBytes += line.length;
    const run = this.#run;
    if (
      run?.hash === open.hash &&
      run.first.buffer === line.buffer &&
      run.first.byteOffset + run.bytes === line.byteOffset
    )
      run.bytes += line.length;
    else {
      this.#hashRun();
      this.#run = { hash: open.hash, first: line, bytes: line.length };
    }
  }

  #hashRun(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run) run.hash.update(new Uint8Array(run.first.buffer, run.first.byteOffset, run.bytes));
  }
}

/** A copy, where it is shortened: a piece of a text keeps all of it in memory. */
const shortName = (name: string): string =>
  name.length <= NAME_CHARS ? name : Buffer.from(shortened(name, NAME_CHARS)).toString();

/** Of what a scope lacks: more than any agent names. */
const MISSING_CHARS = 64 * 1024;

/** The first of what is missing, as far as there is room. */
const shortList = (missing: readonly Missing[]): Missing[] => {
  let room = MISSING_CHARS;
  return missing.filter((one) => {
    room -= one.what.length + one.code.length + one.message.length + one.advice.length;
    return room >= 0;
  });
};

/** The kinds of which all came, where the outcome lets that count. */
const allCame = (kind: EndedScope['kind'], { outcome, whole, anew }: OutcomeRecord): EndedScope['whole'] => {
  const made = kind === 'app' ? (anew ?? []) : [];
  if (outcome === 'partial') return [...(whole ?? []), ...made];
  return outcome === 'updated' ? made : [];
};
