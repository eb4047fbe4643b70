import { z } from 'zod';
import type { Dialer, HttpReply, HttpRoute } from '#agent/network/dialer.ts';
import { ProxyLoginRefused } from '#agent/network/proxy-logins.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import { SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import {
  decodeEntries,
  encodeEntry,
  entryNumber,
  GATEWAY_NAME,
  POLLING,
  POLLING_HEADERS,
  POLLING_PATHS,
  type PollingEntry,
} from '#protocol/polling.ts';
import type { GatewayAddress } from './gateway-address.ts';
import { PollingRefused, pollingFault } from './polling-faults.ts';
import type { Transport, TransportConnection, TransportListener } from './transport.ts';
import { unreachable } from './unreachable.ts';

export interface PollingWay {
  readonly dialer: Dialer;
  readonly address: GatewayAddress;
  readonly tls?: TlsOptions | undefined;
  readonly proxy: ProxyChoice | undefined;
}

const Opened = z.looseObject({
  protocol: z.literal(SUBPROTOCOL),
  session: z.string().regex(/^[\w-]{20,200}$/),
  holdMs: z.int().positive().max(120_000),
});

const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
/** What is said at the end has this long to get away. */
const CLOSE_MS = 1_000;
/** An answer may come this much later than it is due: then the connection counts as dead, and another is made. */
const LATE_MS = 10_000;
/** A body on its way up: at 256 kbit/s, 512 KiB take 16 s. */
const SEND_MS = 30_000;
const RETRY_MS = 250;
const RETRY_CAP_MS = 5_000;
/** More cookies than a load balancer needs are not carried along. */
const COOKIE_BYTES = 4096;

/** The session is not known where the request came out. */
class Unknown extends Error {}
/** Entries are missing, or were refused: the two ends do not agree any more. */
class OutOfStep extends Error {}

/**
 * The same link in plain HTTPS requests, for networks that let no WebSocket through: one request waits for what the
 * gateway says, one at a time brings what the agent says. Entries are numbered both ways, so a request that failed is made
 * again without anything being lost or taken twice.
 */
export const pollingTransport = (way: PollingWay): Transport => ({
  connect: (listener) => new PollingConnection(way, listener),
});

/** Opens a session and hands back what `open` said, for the doctor. @throws Fault */
export const openPolling = async (route: HttpRoute, address: GatewayAddress, signal: AbortSignal | undefined) => {
  const reply = await route
    .request({
      method: 'POST',
      path: `${address.prefix}${POLLING_PATHS.open}`,
      headers: { accept: 'application/json' },
      body: '',
      signal,
      headersTimeoutMs: TIMES.connectMs,
      deadlineMs: TIMES.connectMs,
      maxBytes: 64 * 1024,
    })
    .catch((error: unknown) => {
      if (signal?.aborted === true || !(error instanceof Fault)) throw error;
      throw unreachable(error);
    });
  const opened = reply.status === 200 ? Opened.safeParse(parse(reply.body)) : undefined;
  if (opened?.success !== true || reply.headers[POLLING_HEADERS.gateway] !== GATEWAY_NAME)
    throw new PollingRefused(reply, address);
  return { session: opened.data.session, holdMs: opened.data.holdMs, cookie: cookieOf(reply) };
};

class PollingConnection implements TransportConnection {
  readonly #way: PollingWay;
  readonly #listener: TransportListener;
  readonly #route: HttpRoute;
  readonly #stop = new AbortController();
  #headers: Readonly<Record<string, string>> = {};
  #holdMs: number = POLLING.holdMs;
  #open = false;
  #over = false;
  /** Entries that the gateway has not taken yet, the first with the number `#first`. */
  readonly #out: Uint8Array[] = [];
  #first = 1;
  #outBytes = 0;
  #sending = false;
  #closing = false;
  #received = 0;
  readonly #waiting = new Set<() => void>();

  constructor(way: PollingWay, listener: TransportListener) {
    this.#way = way;
    this.#listener = listener;
    const { origin } = way.address;
    this.#route = way.dialer.http({ origin, tls: way.tls, proxy: way.proxy, connections: 2 });
    void this.#run();
  }

  get unsentBytes(): number {
    return this.#outBytes;
  }

  sendText(text: string): void {
    this.#push({ kind: 'text', text });
  }

  sendBinary(bytes: Uint8Array): void {
    this.#push({ kind: 'data', bytes });
  }

  writable(): Promise<void> {
    return this.#over || this.#outBytes <= HIGH_WATER_BYTES
      ? Promise.resolve()
      : new Promise((resolve) => this.#waiting.add(resolve));
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#over) return;
    if (this.#open) this.#push({ kind: 'close', code, reason });
    this.#closing = true;
    if (!this.#open || this.#out.length === 0) this.#end(1005);
    else setTimeout(() => this.#end(1006), CLOSE_MS);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      const opened = await openPolling(this.#route, this.#way.address, signal);
      const { session, holdMs, cookie } = opened;
      this.#holdMs = holdMs;
      this.#headers = { authorization: `Bearer ${session}`, ...(cookie === '' ? {} : { cookie }) };
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#over) return;
    this.#open = true;
    this.#listener.opened();
    await this.#pollOn();
  }

  /** Polls until the session is over. */
  async #pollOn(): Promise<void> {
    while (!this.#over) {
      const reply = await this.#persist('poll', this.#holdMs + LATE_MS, () => ({
        headers: { [POLLING_HEADERS.received]: String(this.#received) },
        body: '',
      }));
      if (reply === undefined || this.#over) return;
      this.#listener.activity();
      if (!this.#hear(reply)) return;
    }
  }

  /** Takes what an answer brought; false when it brought the end. */
  #hear(reply: HttpReply): boolean {
    const first = entryNumber(reply.headers[POLLING_HEADERS.first]);
    let entries: PollingEntry[];
    try {
      entries = decodeEntries(reply.body);
    } catch {
      entries = [];
    }
    // Nothing that an honest gateway says: what was asked for begins behind what is here.
    if (first === undefined || first > this.#received + 1 || (entries.length === 0 && reply.body.length > 0)) {
      this.#end(1002);
      return false;
    }
    for (const entry of entries.slice(this.#received + 1 - first)) {
      if (this.#over) return false;
      this.#received += 1;
      if (entry.kind === 'text') this.#listener.text(entry.text);
      else if (entry.kind === 'data') this.#listener.binary();
      else {
        this.#end(entry.code);
        return false;
      }
    }
    return true;
  }

  #push(entry: PollingEntry): void {
    if (this.#over || this.#closing) return;
    const bytes = encodeEntry(entry);
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    void this.#sendOn();
  }

  /** One body after another, each with what has gathered meanwhile. */
  async #sendOn(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    // What is said in one go travels in one body.
    await Promise.resolve();
    while (!this.#over && this.#out.length > 0) {
      const bodies = this.#gathered();
      const first = this.#first;
      const reply = await this.#persist('send', SEND_MS, () => ({
        headers: { [POLLING_HEADERS.first]: String(first), 'content-type': 'application/octet-stream' },
        body: Buffer.concat(bodies),
      }));
      if (reply === undefined || this.#over) break;
      this.#listener.activity();
      const taken = entryNumber(reply.headers[POLLING_HEADERS.received]) ?? 0;
      if (taken < first + bodies.length - 1) {
        this.#end(1002);
        break;
      }
      this.#first += bodies.length;
      for (const body of this.#out.splice(0, bodies.length)) this.#outBytes -= body.length;
      if (this.#outBytes <= LOW_WATER_BYTES) this.#wake();
      if (this.#closing && this.#out.length === 0) this.#end(1005);
    }
    this.#sending = false;
  }

  #gathered(): Uint8Array[] {
    let bytes = 0;
    const few = this.#out.findIndex((entry, at) => {
      bytes += entry.length;
      return at > 0 && bytes > POLLING.gatherBytes;
    });
    return few === -1 ? [...this.#out] : this.#out.slice(0, few);
  }

  /**
   * Makes a request until it is answered by the gateway; undefined when the session ended or the other loop will find out.
   * After {@link TIMES.livenessMs} of failures the session counts as cut.
   */
  async #persist(
    what: 'poll' | 'send',
    deadlineMs: number,
    make: () => { readonly headers: Record<string, string>; readonly body: string | Uint8Array },
  ): Promise<HttpReply | undefined> {
    const sinceMs = performance.now();
    for (let tries = 0; !this.#over; tries += 1) {
      try {
        return await this.#ask(what, deadlineMs, make());
      } catch (error) {
        if (this.#over) return undefined;
        if (error instanceof Unknown) {
          // What the gateway said last may still wait for the poll.
          if (what === 'poll') this.#end(1006);
          return undefined;
        }
        const late = performance.now() - sinceMs >= TIMES.livenessMs;
        if (error instanceof OutOfStep || (late && tries > 0)) {
          this.#end(error instanceof OutOfStep ? 1002 : 1006);
          return undefined;
        }
        await this.#pause(Math.min(RETRY_CAP_MS, RETRY_MS * 2 ** tries) * (0.5 + Math.random()));
      }
    }
    return undefined;
  }

  async #ask(
    what: 'poll' | 'send',
    deadlineMs: number,
    { headers, body }: { readonly headers: Record<string, string>; readonly body: string | Uint8Array },
  ): Promise<HttpReply> {
    const reply = await this.#route.request({
      method: 'POST',
      path: `${this.#way.address.prefix}${POLLING_PATHS[what]}`,
      headers: { ...this.#headers, ...headers },
      body,
      signal: this.#stop.signal,
      headersTimeoutMs: deadlineMs,
      bodyTimeoutMs: LATE_MS,
      deadlineMs: deadlineMs + LATE_MS,
      maxBytes: POLLING.bodyBytes,
    });
    // Without its mark the gateway has said nothing: whatever stands between may, a moment later, let it through.
    const genuine = reply.headers[POLLING_HEADERS.gateway] === GATEWAY_NAME;
    if (genuine && reply.status === 410) throw new Unknown();
    if (genuine && reply.status !== 200) throw new OutOfStep();
    if (!genuine) throw pollingFault(reply, this.#way.address);
    return reply;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop;
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** It never opened. */
  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#dispose();
    const againInMs =
      error instanceof PollingRefused
        ? error.retryAfterMs
        : // Earlier it would only be told the same again; with another password the link dials anew.
          error instanceof ProxyLoginRefused
          ? error.againInMs
          : undefined;
    this.#listener.failed(error instanceof Fault ? error : unreachable(error), againInMs);
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#over = true;
    const opened = this.#open;
    this.#dispose();
    // Not from within a call of the link: it is told of the end of a connection later than it asked for it.
    queueMicrotask(() => {
      if (opened) this.#listener.closed(code);
      else this.#listener.failed(new Fault('bridge.unreachable', 'The link was given up before it opened'), undefined);
    });
  }

  #dispose(): void {
    this.#stop.abort(new Error('the connection ended'));
    this.#wake();
    void this.#route.close(CLOSE_MS).catch(() => undefined);
  }
}

const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

/** Cookies by which a load balancer keeps a session with one gateway; names and values only. */
const cookieOf = ({ cookies }: HttpReply): string => {
  const pairs = cookies
    .map((cookie) => (cookie.split(';', 1)[0] ?? '').trim())
    .filter((pair) => /^[^\s=]+=/.test(pair));
  const text = pairs.join('; ');
  return text.length <= COOKIE_BYTES ? text : '';
};
