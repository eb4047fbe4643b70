/** What clients did to the site. Tests assert on it: opens with data, sessions, requests, bytes. */
export type Via = 'direct' | 'proxy';

export interface Open {
  readonly appId: string;
  readonly withData: boolean;
  readonly via: Via;
  /** The size of the app's file: what the engine loads when it opens it with data. */
  readonly bytes: number;
}

export type RecordedEvent =
  | { readonly type: 'open'; readonly open: Open }
  | { readonly type: 'http'; readonly endpoint: string; readonly status: number; readonly path: string }
  | { readonly type: 'engine'; readonly method: string; readonly appId: string | null; readonly error: number | null };

interface Sizes {
  count: number;
  bytesIn: number;
  bytesOut: number;
}

interface Gauge {
  now: number;
  max: number;
  total: number;
}

/** The record as `GET /record` gives it. */
export interface RecordSnapshot {
  readonly opens: number;
  readonly opensWithData: number;
  /** Bytes of app data that the engine had to load for these. */
  readonly loadedBytes: number;
  readonly opensByApp: Readonly<Record<string, { readonly withData: number; readonly withoutData: number }>>;
  /** All requests: HTTP ones, upgrades and engine calls. */
  readonly requests: number;
  /** `GET /qrs/app/{id}` → count and bytes. */
  readonly http: Readonly<Record<string, Readonly<Sizes>>>;
  /** `Doc.GetScript` → count and bytes. */
  readonly engine: Readonly<Record<string, Readonly<Sizes>>>;
  /** Engine error codes that were answered → count. */
  readonly engineErrors: Readonly<Record<string, number>>;
  readonly httpStatus: Readonly<Record<string, number>>;
  readonly engineSessions: Readonly<Gauge>;
  readonly engineSockets: Readonly<Gauge>;
  readonly proxySessions: Readonly<Gauge>;
  /** Sockets that were told `OnMaxParallelSessionsExceeded`. */
  readonly sessionsExceeded: number;
  readonly pings: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const NAMES_KEPT = 2_000;

/** A path with its ids taken out, so that requests of one kind count together. */
const endpointOf = (method: string, path: string): string =>
  `${method} ${path.replace(GUID, '{id}').replace(/^(\/[^/]*)?\/appcontent\/.*$/, '$1/appcontent/…')}`;

export class Recorder {
  readonly engineSessions: Gauge = { now: 0, max: 0, total: 0 };
  readonly engineSockets: Gauge = { now: 0, max: 0, total: 0 };
  readonly proxySessions: Gauge = { now: 0, max: 0, total: 0 };
  sessionsExceeded = 0;
  pings = 0;
  #loadedBytes = 0;
  readonly #http = new Map<string, Sizes>();
  readonly #engine = new Map<string, Sizes>();
  readonly #errors = new Map<string, number>();
  readonly #status = new Map<string, number>();
  readonly #opens = new Map<string, { withData: number; withoutData: number }>();
  readonly #listeners = new Set<(event: RecordedEvent) => void>();

  /** Calls back on every event, before the answer leaves; returns how to stop. */
  onEvent(listener: (event: RecordedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  up(gauge: Gauge): void {
    gauge.now += 1;
    gauge.total += 1;
    gauge.max = Math.max(gauge.max, gauge.now);
  }

  down(gauge: Gauge): void {
    gauge.now -= 1;
  }

  open(open: Open): void {
    const entry = this.#opens.get(open.appId) ?? { withData: 0, withoutData: 0 };
    if (open.withData) this.#loadedBytes += open.bytes;
    if (open.withData) entry.withData += 1;
    else entry.withoutData += 1;
    this.#opens.set(open.appId, entry);
    this.#tell({ type: 'open', open });
  }

  http(method: string, path: string, status: number, bytesIn: number, bytesOut: number): void {
    const endpoint = endpointOf(method, path);
    this.#add(this.#http, endpoint, bytesIn, bytesOut);
    this.#status.set(String(status), (this.#status.get(String(status)) ?? 0) + 1);
    this.#tell({ type: 'http', endpoint, status, path });
  }

  engine(name: string, appId: string | null, error: number | null, bytesIn: number, bytesOut: number): void {
    this.#add(this.#engine, name, bytesIn, bytesOut);
    if (error !== null) this.#errors.set(String(error), (this.#errors.get(String(error)) ?? 0) + 1);
    this.#tell({ type: 'engine', method: name, appId, error });
  }

  /** Forgets all counts; what is open now stays counted in the gauges. */
  reset(): void {
    for (const map of [this.#http, this.#engine, this.#errors, this.#status, this.#opens]) map.clear();
    for (const gauge of [this.engineSessions, this.engineSockets, this.proxySessions]) {
      gauge.max = gauge.now;
      gauge.total = gauge.now;
    }
    this.sessionsExceeded = 0;
    this.pings = 0;
    this.#loadedBytes = 0;
  }

  snapshot(): RecordSnapshot {
    const all = [...this.#http.values(), ...this.#engine.values()];
    const sum = (pick: (sizes: Sizes) => number): number => all.reduce((total, sizes) => total + pick(sizes), 0);
    const opens = [...this.#opens.values()];
    return {
      opens: opens.reduce((total, open) => total + open.withData + open.withoutData, 0),
      opensWithData: opens.reduce((total, open) => total + open.withData, 0),
      loadedBytes: this.#loadedBytes,
      opensByApp: Object.fromEntries([...this.#opens].map(([id, open]) => [id, { ...open }])),
      requests: sum((sizes) => sizes.count),
      http: Object.fromEntries([...this.#http].map(([name, sizes]) => [name, { ...sizes }])),
      engine: Object.fromEntries([...this.#engine].map(([name, sizes]) => [name, { ...sizes }])),
      engineErrors: Object.fromEntries(this.#errors),
      httpStatus: Object.fromEntries(this.#status),
      engineSessions: { ...this.engineSessions },
      engineSockets: { ...this.engineSockets },
      proxySessions: { ...this.proxySessions },
      sessionsExceeded: this.sessionsExceeded,
      pings: this.pings,
      bytesIn: sum((sizes) => sizes.bytesIn),
      bytesOut: sum((sizes) => sizes.bytesOut),
    };
  }

  #add(map: Map<string, Sizes>, name: string, bytesIn: number, bytesOut: number): void {
    // A client that invents paths must not grow the record without end.
    const key = map.has(name) || map.size < NAMES_KEPT ? name : '(other)';
    const sizes = map.get(key) ?? { count: 0, bytesIn: 0, bytesOut: 0 };
    sizes.count += 1;
    sizes.bytesIn += bytesIn;
    sizes.bytesOut += bytesOut;
    map.set(key, sizes);
  }

  #tell(event: RecordedEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
