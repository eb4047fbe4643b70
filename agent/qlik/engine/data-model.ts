import { z } from 'zod';
import type { HttpRoute } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import type { QlikSession } from '../auth/session.ts';
import { type Asked, refusal } from '../auth/verdict.ts';
import { JsonLists } from '../json-lists.ts';
import { Amount, Flag, Text, Texts } from '../lenient.ts';
import { backoffMs, type Patience } from '../patience.ts';

const ModelField = z.object({
  name: z.string(),
  src_tables: Texts,
  is_system: Flag,
  is_hidden: Flag,
  is_semantic: Flag,
  is_locked: Flag,
  is_numeric: Flag,
  distinct_only: Flag,
  always_one_selected: Flag,
  cardinal: Amount,
  total_count: Amount,
  byte_size: Amount,
  comment: Text,
  tags: Texts,
});
export type ModelField = z.infer<typeof ModelField>;

const ModelTable = z.object({
  name: z.string(),
  is_system: Flag,
  is_semantic: Flag,
  is_loose: Flag,
  no_of_rows: Amount,
  no_of_fields: Amount,
  no_of_key_fields: Amount,
  comment: Text,
  byte_size: Amount,
});
export type ModelTable = z.infer<typeof ModelTable>;

/** What stands beside the lists of fields and tables. */
const Metadata = z.object({
  static_byte_size: Amount,
  has_section_access: z.boolean().nullish(),
  is_direct_query_mode: z.boolean().nullish(),
  reload_meta: z.object({ cpu_time_spent_ms: Amount, peak_memory_bytes: Amount }).nullish().catch(undefined),
});

/** An app's tables and fields after its last reload; the engine keeps them on disk and does not load the app for it. */
export type DataModel =
  | {
      readonly available: true;
      readonly tables: readonly ModelTable[];
      readonly fields: readonly ModelField[];
      readonly staticByteSize: number | null;
      /** Undefined when this release does not say. */
      readonly hasSectionAccess: boolean | undefined;
      readonly isDirectQuery: boolean | undefined;
      /** What the last reload took. */
      readonly reload?: { readonly cpuMs: number | null; readonly peakBytes: number | null } | undefined;
    }
  /** Not there: the app was never reloaded on a release that keeps it, or the server does not give it out. */
  | { readonly available: false; readonly reason: Fault };

const TRIES = 3;
/** Four hundred thousand fields. The answer is read as it comes: what is kept of it is less than half of that. */
const MAX_BYTES = 128 * 1024 * 1024;

/** `GET …/apps/{id}/data/metadata`: through the proxy under `/api/v1`, at the engine's own port under that or `/v1`. */
export class DataModels {
  readonly #http: HttpRoute;
  readonly #session: QlikSession;
  readonly #patience: Patience;
  readonly #prefix: string | undefined;
  /** The bases to try, in this order; the first that answers becomes the only one. */
  #bases: readonly string[];

  constructor(http: HttpRoute, session: QlikSession, prefix: string | undefined, patience: Patience) {
    this.#http = http;
    this.#session = session;
    this.#patience = patience;
    this.#prefix = prefix;
    this.#bases = prefix === undefined ? ['/api/v1', '/v1'] : [`${prefix === '' ? '' : `/${prefix}`}/api/v1`];
  }

  /** Throws only when `signal` ends it; whatever the server answers instead of a model is the reason for none. */
  async read(appId: string, signal: AbortSignal | undefined): Promise<DataModel> {
    let reason: Fault | undefined;
    for (const base of this.#bases) {
      const found = await this.#readAt(base, appId, signal);
      if (found.available) {
        this.#bases = [base];
        return found;
      }
      reason ??= found.reason;
      if (found.reason.code !== 'qlik.data_model_unavailable') return found;
    }
    return { available: false, reason: reason ?? new Fault('internal', 'no base to read a data model from') };
  }

  async #readAt(base: string, appId: string, signal: AbortSignal | undefined): Promise<DataModel> {
    const asked: Asked = {
      peer: this.#http.peer,
      method: 'GET',
      path: `${base}/apps/${encodeURIComponent(appId)}/data/metadata`,
      prefix: this.#prefix,
    };
    for (let attempt = 0; ; attempt++) {
      try {
        let reader: ModelReader | undefined;
        const reply = await this.#session.request(this.#http, {
          path: asked.path,
          headers: { accept: 'application/json' },
          signal,
          maxBytes: MAX_BYTES,
          taking: ({ status, mediaType }) => {
            reader =
              status >= 200 && status < 300 && mediaType === 'application/json'
                ? new ModelReader(asked.path)
                : undefined;
            const own = reader;
            return own && ((piece) => own.push(piece));
          },
        });
        const isEmpty = reader === undefined ? reply.body.length === 0 : reader.isEmpty;
        if (reply.status === 404 || (reply.status >= 200 && reply.status < 300 && isEmpty)) {
          return none(`${asked.path}: the engine has no data model of this app (HTTP ${reply.status})`);
        }
        const fault = refusal(reply, asked);
        if (fault !== undefined) throw fault;
        reader ??= ModelReader.of(reply.body, asked.path);
        const { tables, fields } = reader;
        const { static_byte_size, has_section_access, is_direct_query_mode, reload_meta } = reader.rest();
        if (tables.length === 0 && fields.length === 0) return none(`${asked.path}: the data model is empty`);
        return {
          available: true,
          tables,
          fields,
          staticByteSize: static_byte_size,
          hasSectionAccess: has_section_access ?? undefined,
          isDirectQuery: is_direct_query_mode ?? undefined,
          reload: reload_meta
            ? { cpuMs: reload_meta.cpu_time_spent_ms, peakBytes: reload_meta.peak_memory_bytes }
            : undefined,
        };
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        if (!(error instanceof Fault)) throw error;
        if (!error.retryable || attempt + 1 >= TRIES) return { available: false, reason: error };
        await this.#patience.sleep(
          backoffMs(attempt, 200, 2_000, () => this.#patience.random()),
          signal,
        );
      }
    }
  }
}

/** What is no larger is parsed at once, which takes a tenth of the time: nearly every model. */
const SMALL_BYTES = 512 * 1024;

/** Reads a data model: a large one as it arrives. */
class ModelReader {
  readonly tables: ModelTable[] = [];
  readonly fields: ModelField[] = [];
  isEmpty = true;
  readonly #path: string;
  readonly #json: JsonLists;
  /** What came, as long as it is small; undefined: it goes on to the other reader. */
  #early: Buffer[] | undefined = [];
  #earlyBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#json = new JsonLists(['fields', 'tables'], (list, element) => this.#element(list, element));
  }

  static of(body: Buffer, path: string): ModelReader {
    const reader = new ModelReader(path);
    reader.push(body);
    return reader;
  }

  push(piece: Buffer): void {
    if (piece.length > 0) this.isEmpty = false;
    const early = this.#early;
    if (early === undefined) {
      this.#sound(() => this.#json.push(piece));
      return;
    }
    early.push(piece);
    this.#earlyBytes += piece.length;
    if (this.#earlyBytes <= SMALL_BYTES) return;
    this.#early = undefined;
    for (const one of early) this.#sound(() => this.#json.push(one));
  }

  /** Ends the lists, and tells what stood beside them. */
  rest(): z.infer<typeof Metadata> {
    const early = this.#early;
    return this.#checked(
      Metadata,
      this.#sound(() => (early === undefined ? this.#json.end() : this.#parsed(Buffer.concat(early)))),
    );
  }

  #parsed(body: Buffer): unknown {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new SyntaxError('not one JSON object');
    for (const [list, elements] of Object.entries(value))
      if ((list === 'fields' || list === 'tables') && Array.isArray(elements))
        for (const element of elements) this.#element(list, element);
    return value;
  }

  #element(list: string, element: unknown): void {
    if (list === 'fields') this.fields.push(this.#checked(ModelField, element));
    else this.tables.push(this.#checked(ModelTable, element));
  }

  #sound<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new Fault('qlik.protocol', `${this.#path} did not answer with JSON: ${error.message}`, { cause: error });
    }
  }

  #checked<T>(schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new Fault('qlik.protocol', `${this.#path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
}

const none = (message: string): DataModel => ({
  available: false,
  reason: new Fault('qlik.data_model_unavailable', message),
});
