import { createHash, type Hash } from 'node:crypto';
import { fitRecord, MAX_RECORD_BYTES, recordLine } from '#agent/spool/record-size.ts';
import type { DraftRecord, JobSink } from '#agent/spool/sink.ts';
import { leavingAttributes, leavingError, leavingKey, leavingName, leavingText } from '#config/redaction/leaving.ts';
import { wellFormed } from '#config/redaction/well-formed.ts';
import { CHECK_LIMITS, type CheckRecord, type SettingsRecord } from '#protocol/checks.ts';
import { ERROR_KINDS } from '#protocol/errors.ts';
import { INVENTORY_LIMITS, type ItemRecord } from '#protocol/inventory.ts';
import { shortened } from '#protocol/printable.ts';
import {
  type AssetRecord,
  type EdgeRecord,
  type OutcomeRecord,
  type PictureRecord,
  REASON_CHARS,
  type StreamRecord,
} from '#protocol/records.ts';
import { hasTooManyValues } from '#protocol/value-count.ts';

/** Where records go that may leave; `line` is the record as it is counted, hashed and sent. */
export interface RecordLines {
  /** The largest line of a record that it takes, its `\n` included; absent: what fits into one batch. */
  readonly maxRecordBytes?: number;
  write(record: StreamRecord, line: string): Promise<void>;
}

interface OpenScope {
  readonly hash: Hash;
  records: number;
}

/**
 * What every record of every job passes between its handler and the spool, and the only place where secrets are taken
 * out: by their form (connection strings, literals of scripts), and by their value (all that this process knows). What
 * is left is made fit for a batch and a database; then it is counted and hashed for the outcome of its scope, so that
 * the catalog compares what was sent and not what was read.
 */
export class RecordGate implements JobSink {
  readonly #out: RecordLines;
  readonly #flush: () => Promise<void>;
  readonly #open = new Map<string, OpenScope>();

  constructor(out: RecordLines, flush: () => Promise<void> = () => Promise.resolve()) {
    this.#out = out;
    this.#flush = flush;
  }

  write(record: DraftRecord): Promise<void> {
    const clean = this.#clean(record);
    let fitted = clean;
    let line = recordLine(clean);
    // A UTF-16 unit has three bytes at most: nearly no record is worth counting.
    const maxBytes = this.#out.maxRecordBytes ?? MAX_RECORD_BYTES;
    if (line.length * 3 > maxBytes) {
      fitted = fitRecord(clean, maxBytes);
      line = recordLine(fitted);
    }
    // A catalog refuses the whole scope for such a record.
    if (line.length > MAX_RECORD_BYTES && hasTooManyValues(Buffer.from(line)) && 'attributes' in fitted) {
      fitted = { ...fitted, attributes: { truncated: true } };
      line = recordLine(fitted);
    }
    if (isCounted(fitted)) {
      const scope = this.#scope(fitted.scope);
      scope.hash.update(line);
      scope.records += 1;
    }
    return this.#out.write(fitted, line);
  }

  flush(): Promise<void> {
    return this.#flush();
  }

  #scope(key: string): OpenScope {
    const open = this.#open.get(key) ?? { hash: createHash('sha256'), records: 0 };
    this.#open.set(key, open);
    return open;
  }

  #clean(record: DraftRecord): StreamRecord {
    switch (record.t) {
      case 'scope': {
        const scope = leavingKey(record.scope);
        // Begun, or begun afresh: what was written of it before no longer counts.
        this.#open.delete(scope);
        return { ...record, scope, name: leavingName(record.name) };
      }
      case 'asset':
        return asset(record);
      case 'edge':
        return edge(record);
      case 'listed':
        return {
          ...record,
          scope: leavingKey(record.scope),
          key: leavingKey(record.key),
          name: leavingName(record.name),
        };
      case 'outcome': {
        const scope = leavingKey(record.scope);
        const { hash, records } = this.#scope(scope);
        this.#open.delete(scope);
        const outcome: OutcomeRecord = { ...record, scope, records, sha256: hash.digest('hex') };
        return {
          ...outcome,
          ...(outcome.missing === undefined ? {} : { missing: outcome.missing.map(leavingError) }),
          ...(outcome.error === undefined ? {} : { error: leavingError(outcome.error) }),
          ...(outcome.reason === undefined
            ? {}
            : { reason: { ...outcome.reason, message: text(outcome.reason.message, REASON_CHARS) } }),
        };
      }
      case 'test':
        return record;
      case 'check':
        return check(record);
      case 'settings':
        return settings(record);
      case 'gone':
        return { ...record, scope: leavingKey(record.scope), key: leavingKey(record.key) };
      case 'picture':
        return picture(record);
      case 'inventory':
        return { ...record, rules: record.rules.map((rule) => text(rule, INVENTORY_LIMITS.rule)) };
      case 'item':
        return item(record);
      default:
        return record satisfies never;
    }
  }
}

type CountedRecord = Extract<StreamRecord, { t: 'asset' | 'edge' | 'listed' | 'gone' | 'picture' }>;
const COUNTED: ReadonlySet<string> = new Set<CountedRecord['t']>(['asset', 'edge', 'listed', 'gone', 'picture']);
const isCounted = (record: StreamRecord): record is CountedRecord => COUNTED.has(record.t);

const asset = (record: AssetRecord): AssetRecord => {
  const { scope, key, name, parent } = record;
  const clean = record.attributes === undefined ? undefined : leavingAttributes(record.attributes);
  const sanitized = record.sanitized === true || clean?.sanitized === true || wellFormed(name) !== name;
  return {
    ...record,
    scope: leavingKey(scope),
    key: leavingKey(key),
    // Names come from strangers as well: a measure without a label is named by its expression.
    name: leavingName(name),
    ...(parent === undefined ? {} : { parent: leavingKey(parent) }),
    ...(clean === undefined ? {} : { attributes: clean.value }),
    ...(sanitized ? { sanitized: true as const } : {}),
  };
};

const edge = (record: EdgeRecord): EdgeRecord => ({
  ...record,
  scope: leavingKey(record.scope),
  from: leavingKey(record.from),
  to: leavingKey(record.to),
  ...(record.attributes === undefined ? {} : { attributes: leavingAttributes(record.attributes).value }),
});

const OWN_ADVICE: ReadonlySet<string> = new Set(Object.values(ERROR_KINDS).map(({ advice }) => advice));

const text = (value: string, most: number): string => shortened(leavingText(value), most);

const check = (record: CheckRecord): CheckRecord => ({
  ...record,
  seen: text(record.seen, CHECK_LIMITS.text),
  // Our own advice names keys, no values.
  ...(record.advice === undefined || OWN_ADVICE.has(record.advice)
    ? {}
    : { advice: text(record.advice, CHECK_LIMITS.text) }),
  details: record.details.map((line) => text(line, CHECK_LIMITS.line)),
});

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };
const escaped = (plain: string): string =>
  plain.replace(/[&<>]/g, (one) => (one === '&' ? '&amp;' : one === '<' ? '&lt;' : '&gt;'));

/** What can be read in a picture, cleansed text by text: a rule that ran on into the markup would spoil it. */
const leavingSvg = (svg: string): string =>
  svg.replace(/>([^<>]+)</g, (_, words: string) => {
    const plain = words.replace(/&(?:amp|lt|gt|quot);/g, (entity) => ENTITIES[entity] ?? entity);
    const clean = leavingText(plain);
    return clean === plain ? `>${words}<` : `>${escaped(clean)}<`;
  });

/** A drawn picture is made of texts of the site; of another nobody knows what it shows. */
const picture = (record: PictureRecord): PictureRecord => ({
  ...record,
  scope: leavingKey(record.scope),
  key: leavingKey(record.key),
  ...(record.mediaType === 'image/svg+xml'
    ? { content: Buffer.from(leavingSvg(Buffer.from(record.content, 'base64').toString())).toString('base64') }
    : {}),
});

const item = (record: ItemRecord): ItemRecord => ({
  ...record,
  key: leavingKey(record.key),
  name: text(record.name, INVENTORY_LIMITS.name),
  ...(record.within === undefined ? {} : { within: text(record.within, INVENTORY_LIMITS.name) }),
  ...(record.rule === undefined ? {} : { rule: text(record.rule, INVENTORY_LIMITS.rule) }),
});

const settings = (record: SettingsRecord): SettingsRecord => ({
  ...record,
  title: text(record.title, CHECK_LIMITS.line),
  fields: record.fields.map(({ name, value }) => ({
    name: text(name, CHECK_LIMITS.name),
    value: text(value, CHECK_LIMITS.text),
  })),
});
