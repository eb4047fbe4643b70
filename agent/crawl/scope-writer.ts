import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { fitRecord, MAX_RECORD_BYTES, recordLine } from '#agent/spool/record-size.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Fault } from '#protocol/errors.ts';
import type { AssetKind, EdgeKind, Missing, Outcome, StreamRecord } from '#protocol/records.ts';
import { cleanse, type JsonObject, wellFormed } from './cleanse.ts';
import { redactText } from './redaction.ts';

/** Some tenths of a millisecond of work. */
const YIELD_RECORDS = 16;

export interface Asset {
  readonly kind: AssetKind;
  readonly key: string;
  readonly name: string;
  readonly parent?: string;
  readonly attributes?: JsonObject;
}

/** A longer name is an expression or worse; it may not make a record larger than any batch, which ends the crawl. */
const MOST_NAME = 4_000;

const shown = (text: string): string => {
  const clean = redactText(wellFormed(text));
  return clean.length <= MOST_NAME ? clean : `${clean.slice(0, MOST_NAME).toWellFormed()}…`;
};

/** An error as it may leave: servers write what they like into their messages. */
const told = <T extends { readonly message: string }>(error: T): T => ({ ...error, message: shown(error.message) });

/**
 * Writes one scope: everything that goes through it is redacted and well formed, counted and hashed. One call after the
 * other: await each, or the hash would be over another order than the stream has.
 */
export class ScopeWriter {
  readonly scope: string;
  readonly #sink: RecordSink;
  #hash: Hash = createHash('sha256');
  #records = 0;
  /** Assets and edges written since the scope was (re)opened, by kind. */
  readonly assets = new Map<AssetKind, number>();
  readonly edges = new Map<EdgeKind, number>();

  constructor(sink: RecordSink, scope: string) {
    this.#sink = sink;
    this.scope = scope;
  }

  /** Opens the scope, or opens it afresh: what was written of it before no longer counts. */
  async open(kind: 'site' | 'app', name: string): Promise<void> {
    this.#hash = createHash('sha256');
    this.#records = 0;
    this.assets.clear();
    this.edges.clear();
    await this.#sink.write({ t: 'scope', scope: this.scope, kind, name: shown(name) });
  }

  async asset({ kind, key, name, parent, attributes }: Asset): Promise<void> {
    const sound = wellFormed(name);
    const clean = attributes === undefined ? undefined : cleanse(attributes);
    await this.#count({
      t: 'asset',
      scope: this.scope,
      key,
      kind,
      // Names come from strangers as well: a measure without a label is named by its expression.
      name: shown(sound),
      ...(parent === undefined ? {} : { parent }),
      ...(clean === undefined || Object.keys(clean.value).length === 0 ? {} : { attributes: clean.value }),
      ...(sound !== name || clean?.sanitized === true ? { sanitized: true as const } : {}),
    });
    this.assets.set(kind, (this.assets.get(kind) ?? 0) + 1);
  }

  async edge(kind: EdgeKind, from: string, to: string): Promise<void> {
    await this.#count({ t: 'edge', scope: this.scope, kind, from, to });
    this.edges.set(kind, (this.edges.get(kind) ?? 0) + 1);
  }

  async listed(key: string, name: string): Promise<void> {
    await this.#count({ t: 'listed', scope: this.scope, key, name: shown(name) });
  }

  /** Ends the scope. */
  async outcome(outcome: Outcome, why: { missing?: readonly Missing[]; error?: Fault } = {}): Promise<void> {
    const record: StreamRecord = {
      t: 'outcome',
      scope: this.scope,
      outcome,
      records: this.#records,
      sha256: this.#hash.digest('hex'),
      ...(why.missing === undefined || why.missing.length === 0 ? {} : { missing: why.missing.map(told) }),
      ...(why.error === undefined ? {} : { error: told(why.error.toJSON()) }),
    };
    await this.#sink.write(fitRecord(record, this.#maxBytes));
  }

  get #maxBytes(): number {
    return this.#sink.maxRecordBytes ?? MAX_RECORD_BYTES;
  }

  get records(): number {
    return this.#records;
  }

  async #count(record: StreamRecord): Promise<void> {
    // Before it is hashed: what the spool could not take would make the scope differ from its outcome.
    let fitted = record;
    let line = recordLine(record);
    // A UTF-16 unit has three bytes at most: nearly no record is worth counting.
    if (line.length * 3 > this.#maxBytes) {
      fitted = fitRecord(record, this.#maxBytes);
      line = recordLine(fitted);
    }
    this.#hash.update(line);
    this.#records += 1;
    // A sink that is quick never lets go of the thread, and other apps' answers would wait until this one is written.
    if (this.#records % YIELD_RECORDS === 0) await setImmediate();
    await this.#sink.write(fitted);
  }
}
