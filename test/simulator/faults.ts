/**
 * What goes wrong, and when. Everything can be changed while the site runs (`simulator.faults.set`, `POST /faults`);
 * chance comes from the seed, so that a run can be repeated.
 */

/** When a fault strikes: every condition that is given must hold. Without `nth`, `every` and `probability`: each time. */
export interface Trigger {
  /** Engine method, such as `GetLayout`. */
  readonly method?: string;
  readonly appId?: string;
  /** A part of the path of an HTTP request. */
  readonly path?: string;
  /** The n-th call that fits (from 1) and no other. */
  readonly nth?: number;
  readonly every?: number;
  readonly probability?: number;
  /** At most so many times. */
  readonly times?: number;
}

interface EngineErrorFault extends Trigger {
  /** A code of the engine: 15 aborted, 19 memory limit, 5006 busy, … */
  readonly code: number;
}

export interface HttpErrorFault extends Trigger {
  readonly status: number;
  /** `ticket`: the proxy service's own API. */
  readonly on: 'qrs' | 'proxy' | 'metadata' | 'ticket';
}

/** What comes instead of a good answer, with its status 2xx. */
export interface SpoiledAnswer extends Trigger {
  readonly as: 'login-page' | 'truncated' | 'garbage' | 'empty';
}

/** Services that can be away while the proxy is up. */
export type Service = 'repository' | 'engine';

export interface FaultSettings {
  /** Added to every answer. */
  readonly latencyMs: number;
  /** The first request after `coldAfterMs` without any takes so much longer (the first of all included). */
  readonly coldStartMs: number;
  readonly coldAfterMs: number;
  readonly engineErrors: readonly EngineErrorFault[];
  readonly httpErrors: readonly HttpErrorFault[];
  /** The socket is cut (no close frame) instead of answering the call. */
  readonly drops: readonly Trigger[];
  /** The call is never answered. */
  readonly hangs: readonly Trigger[];
  /** Something that is not JSON comes in the place of the answer, as from a proxy that injects a page. */
  readonly garbled: readonly Trigger[];
  /** `/engine/healthcheck` says `saturated`. */
  readonly saturated: boolean;
  /** Replies of pipelined calls come in another order than the calls. */
  readonly outOfOrder: boolean;
  /** A notification that nobody asked for comes before every so-many-th reply; 0: none. */
  readonly extraNotifications: number;
  /** `/full` returns at most so many rows; 0: as the release has it. */
  readonly fullCap: number;
  /** False: no user may read scripts; they are empty texts. */
  readonly scriptRights: boolean;
  /** False: only owners may update apps, which `GetScript` asks for and `GetScriptEx` does not. */
  readonly updateRights: boolean;
  /** False: `data/metadata` is 404 everywhere. */
  readonly metadata: boolean;
  /** What `data/metadata` answers for an app that was never reloaded: an empty model or 404. */
  readonly neverReloadedMetadata: 'empty' | 'missing';
  /** Apps that nobody may open (error 5), beside those with section access. */
  readonly deniedApps: readonly string[];
  /** False: nobody has a licence; sockets are accepted, told so, and closed. */
  readonly licenses: boolean;
  /** False: section access lets everybody in. */
  readonly sectionAccess: boolean;
  /** What a virtual proxy with JWT answers to a token that it does not take. No public source says which. */
  readonly tokenRefusal: 'unauthorized' | 'bad-request' | 'login';
  /** What a virtual proxy with header authentication answers when its header is not there. */
  readonly headerMissing: 'login' | 'incorrect';
  /** Of every Windows account. A login is refused as one with a wrong password is: Windows tells nobody the difference. */
  readonly windowsAccounts: 'good' | 'disabled' | 'locked' | 'password-expired';
  /** The QMC has the users as inactive: authentication works, and then the proxy says 403. */
  readonly inactiveUsers: boolean;
  /** Every key against cross-site requests is refused, as when a machine between drops `X-Qlik-Xrfkey`. */
  readonly xrfkeyRefused: boolean;
  /** Lists of the repository that answer 403, such as `dataconnection` or `app/object`. */
  readonly forbiddenLists: readonly string[];
  /** Lists in which no rule lets anybody see a row: empty, count 0. Without `app`, no app can be opened either. */
  readonly emptyLists: readonly string[];
  /** Properties such as `tags.id` that the repository refuses to filter by: HTTP 400. */
  readonly refusedFilters: readonly string[];
  /** False: a machine between drops `Set-Cookie`. */
  readonly cookies: boolean;
  /** `missing`: `/qps/csrftoken` answers without the token; `refused`: no token is good enough for an upgrade. */
  readonly csrfToken: 'given' | 'missing' | 'refused';
  /** Instead of the virtual proxies' Host allow lists, for the `Host` of a request; empty: theirs. */
  readonly allowedHosts: readonly string[];
  /** Instead of the virtual proxies' Host allow lists, for the `Origin` of an upgrade; empty: theirs. */
  readonly allowedOrigins: readonly string[];
  /** Every upgrade is answered with this status, as by a machine between that takes it for a request; 0: as it should be. */
  readonly upgradeStatus: number;
  /** So many sessions of the user, begun elsewhere, count beside those that the site knows. */
  readonly sessionsInUse: number;
  /** Sockets through the proxy are accepted, told this, such as `OnLicenseAccessDeniedPendingUserSync`, and closed. */
  readonly socketNotice: string;
  /** The same on the engine's own port: the `qSessionState` of `OnConnected`, such as `SESSION_ERROR_LIMIT_EXCEEDED`. */
  readonly sessionState: string;
  /** Sockets are accepted, and the engine never says a word. */
  readonly engineSilent: boolean;
  /** Through the proxy: the repository is a page 503, the engine `OnNoEngineAvailable`. Their own ports cut who calls. */
  readonly servicesDown: readonly Service[];
  readonly spoiled: readonly SpoiledAnswer[];
  /** How far the site's clock is ahead (behind: negative): `Date` of its answers, and the times in a token. */
  readonly clockSkewMs: number;
}

export const NO_FAULTS: FaultSettings = {
  latencyMs: 0,
  coldStartMs: 0,
  coldAfterMs: 60_000,
  engineErrors: [],
  httpErrors: [],
  drops: [],
  hangs: [],
  garbled: [],
  saturated: false,
  outOfOrder: false,
  extraNotifications: 0,
  fullCap: 0,
  scriptRights: true,
  updateRights: true,
  metadata: true,
  neverReloadedMetadata: 'missing',
  deniedApps: [],
  licenses: true,
  sectionAccess: true,
  tokenRefusal: 'unauthorized',
  headerMissing: 'login',
  windowsAccounts: 'good',
  inactiveUsers: false,
  xrfkeyRefused: false,
  forbiddenLists: [],
  emptyLists: [],
  refusedFilters: [],
  cookies: true,
  csrfToken: 'given',
  allowedHosts: [],
  allowedOrigins: [],
  upgradeStatus: 0,
  sessionsInUse: 0,
  socketNotice: '',
  sessionState: '',
  engineSilent: false,
  servicesDown: [],
  spoiled: [],
  clockSkewMs: 0,
};

/** The values that a word may have. */
const WORDS: Readonly<Partial<Record<keyof FaultSettings, readonly string[]>>> = {
  neverReloadedMetadata: ['empty', 'missing'],
  tokenRefusal: ['unauthorized', 'bad-request', 'login'],
  headerMissing: ['login', 'incorrect'],
  windowsAccounts: ['good', 'disabled', 'locked', 'password-expired'],
  csrfToken: ['given', 'missing', 'refused'],
};

/** The value as settings, when every name in it is one of a fault and has a value of its kind; else null. */
export function faultSettings(value: unknown): Partial<FaultSettings> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const fits = Object.entries(value).every(([name, setting]) => {
    if (!Object.hasOwn(NO_FAULTS, name)) return false;
    const usual: unknown = NO_FAULTS[name as keyof FaultSettings];
    const words = WORDS[name as keyof FaultSettings];
    if (words !== undefined && !words.includes(String(setting))) return false;
    return typeof setting === typeof usual && Array.isArray(setting) === Array.isArray(usual);
  });
  return fits ? (value as Partial<FaultSettings>) : null;
}

export interface Call {
  readonly method?: string;
  readonly appId?: string | null;
  readonly path?: string;
}

/** Numbers in [0, 1) that repeat with the seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Faults {
  #settings: FaultSettings;
  readonly #random: () => number;
  /** How often each trigger fitted, and how often it struck. */
  readonly #seen = new Map<Trigger, { fitted: number; struck: number }>();
  #lastRequestMs = Number.NEGATIVE_INFINITY;

  constructor(seed: number, settings: Partial<FaultSettings> = {}) {
    this.#random = seededRandom(seed);
    this.#settings = { ...NO_FAULTS, ...settings };
  }

  get settings(): FaultSettings {
    return this.#settings;
  }

  /** Changes what is given and leaves the rest. Counting starts anew for lists that are given. */
  set(settings: Partial<FaultSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#lastRequestMs = settings.coldStartMs === undefined ? this.#lastRequestMs : Number.NEGATIVE_INFINITY;
  }

  /** All well again. */
  clear(): void {
    this.#settings = NO_FAULTS;
    this.#seen.clear();
  }

  /** The error that this engine call must answer, or null. */
  engineError(call: Call): number | null {
    return this.#settings.engineErrors.find((fault) => this.#strikes(fault, call))?.code ?? null;
  }

  /** The status that this request must answer, or null. */
  httpError(on: HttpErrorFault['on'], path: string): number | null {
    return this.#settings.httpErrors.find((fault) => fault.on === on && this.#strikes(fault, { path }))?.status ?? null;
  }

  /** What this answer is spoiled to, or null. */
  spoils(path: string): SpoiledAnswer['as'] | null {
    return this.#settings.spoiled.find((fault) => this.#strikes(fault, { path }))?.as ?? null;
  }

  isDown(service: Service): boolean {
    return this.#settings.servicesDown.includes(service);
  }

  drops(call: Call): boolean {
    return this.#settings.drops.some((fault) => this.#strikes(fault, call));
  }

  hangs(call: Call): boolean {
    return this.#settings.hangs.some((fault) => this.#strikes(fault, call));
  }

  garbles(call: Call): boolean {
    return this.#settings.garbled.some((fault) => this.#strikes(fault, call));
  }

  /** What this request has to wait beside its service time; counts as activity for the cold start. */
  waitMs(nowMs: number): number {
    const { latencyMs, coldStartMs, coldAfterMs } = this.#settings;
    const cold = coldStartMs > 0 && nowMs - this.#lastRequestMs > coldAfterMs;
    this.#lastRequestMs = nowMs;
    return latencyMs + (cold ? coldStartMs : 0);
  }

  #strikes(fault: Trigger, call: Call): boolean {
    if (fault.method !== undefined && fault.method !== call.method) return false;
    if (fault.appId !== undefined && fault.appId !== call.appId) return false;
    if (fault.path !== undefined && !(call.path ?? '').includes(fault.path)) return false;
    const seen = this.#seen.get(fault) ?? { fitted: 0, struck: 0 };
    this.#seen.set(fault, seen);
    seen.fitted += 1;
    if (fault.times !== undefined && seen.struck >= fault.times) return false;
    if (fault.nth !== undefined && seen.fitted !== fault.nth) return false;
    if (fault.every !== undefined && seen.fitted % fault.every !== 0) return false;
    if (fault.probability !== undefined && this.#random() >= fault.probability) return false;
    seen.struck += 1;
    return true;
  }
}
