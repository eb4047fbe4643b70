/** One WebSocket to the engine: JSON-RPC frames in, answers and notifications out, when they are due. */
import type { WebSocket } from 'ws';
import type { UserName } from '../model/types.ts';
import type { Via } from '../record.ts';
import type { EngineAddress } from './address.ts';
import type { EngineContext } from './context.ts';
import { EngineError } from './errors.ts';
import type { Json } from './held.ts';
import { patchesOf } from './patch.ts';
import type { Attached } from './registry.ts';
import type { Answer } from './session.ts';

export interface ConnectionOptions {
  readonly user: UserName;
  readonly address: EngineAddress;
  readonly via: Via;
  /** Sent by the proxy before the engine's greeting. Null: no proxy. */
  readonly proxyGreeting: Json | null;
  /** A ping is not relayed, and the next request is never answered. */
  readonly pingHangs: boolean;
  /** Called on every frame of the client. */
  readonly onActivity: () => void;
}

interface Request {
  readonly id: number | string | null;
  /** A call without id: it is carried out, and nothing is answered. */
  readonly isNotification: boolean;
  readonly handle: number;
  readonly method: string;
  readonly params: unknown;
  readonly delta: boolean;
}

const MAX_BUFFERED_BYTES = 256 * 1024 * 1024;
const MIB = 1024 * 1024;
/** Replies that come within this time of each other change places when the site is told to answer out of order. */
const SHUFFLE_MS = 5;

/** What a machine between says when it takes a socket for a page. */
const GARBLED = '<html><body>502 Bad Gateway</body></html>';

/** What is no request at all, with the id that it had, if any. */
interface Refused {
  readonly id: number | string | null;
  readonly error: EngineError;
}

const requestOf = (text: string): Request | Refused => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { id: null, error: new EngineError(-32700) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { id: null, error: new EngineError(-32600) };
  const { id: given, handle, method, params, delta } = value as Json;
  const id = typeof given === 'number' || typeof given === 'string' ? given : null;
  if (typeof method !== 'string' || typeof handle !== 'number') return { id, error: new EngineError(-32600) };
  return {
    id,
    isNotification: given === undefined,
    handle,
    method,
    params,
    delta: delta === true,
  };
};

const notification = (method: string, params: Json): string => JSON.stringify({ jsonrpc: '2.0', method, params });

export class EngineConnection {
  readonly #context: EngineContext;
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #attached: Attached;
  #greeted = false;
  #pinged = false;
  #replies = 0;
  #shuffled: string[] = [];
  /** What the client last got from a method of a handle: the ground for patches. */
  readonly #last = new Map<string, unknown>();

  constructor(context: EngineContext, socket: WebSocket, options: ConnectionOptions) {
    this.#context = context;
    this.#socket = socket;
    this.#options = options;
    this.#attached = context.registry.attach(context, options.user, options.address, options.via);
    context.record.up(context.record.engineSockets);
    socket.on('message', (data) => this.#onFrame(String(data)));
    socket.on('ping', () => {
      context.record.pings += 1;
      this.#pinged = options.pingHangs;
    });
    socket.on('error', () => socket.terminate());
    socket.once('close', () => {
      context.record.down(context.record.engineSockets);
      context.registry.detach(context, this.#attached.session, options.address);
    });
    if (options.proxyGreeting === null || context.proxyGreets === 'at-once') this.#greet();
  }

  get session() {
    return this.#attached.session;
  }

  /** Says something that nobody asked for. */
  notify(method: string, params: Json): void {
    this.#send(notification(method, params));
  }

  /** Tells that objects changed, or that handles closed. */
  announce(change: readonly number[], close: readonly number[]): void {
    this.#send(
      JSON.stringify({
        jsonrpc: '2.0',
        ...(change.length > 0 ? { change } : {}),
        ...(close.length > 0 ? { close } : {}),
      }),
    );
  }

  end(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  #greet(): void {
    if (this.#context.faults.settings.engineSilent) return;
    this.#greeted = true;
    const { proxyGreeting } = this.#options;
    if (proxyGreeting) this.notify('OnAuthenticationInformation', proxyGreeting);
    this.notify('OnConnected', { qSessionState: this.#attached.state });
  }

  #onFrame(text: string): void {
    const atMs = this.#context.pacing.now();
    this.#options.onActivity();
    if (!this.#greeted) this.#greet();
    if (this.#context.faults.settings.engineSilent) return;
    const request = requestOf(text);
    if ('error' in request) this.#send(JSON.stringify({ jsonrpc: '2.0', ...request }));
    else this.#serve(request, text.length, atMs);
  }

  #serve(request: Request, bytesIn: number, atMs: number): void {
    const { faults, pacing, record } = this.#context;
    const { session } = this.#attached;
    const appId = session.document?.appId ?? openedApp(request) ?? this.#options.address.appId;
    const call = { method: request.method, appId };
    const waitMs = faults.waitMs(atMs);
    const name = `${session.className(request.handle) ?? 'Unknown'}.${request.method}`;
    if (this.#pinged || faults.hangs(call)) {
      this.#pinged = false;
      record.engine(name, appId, null, bytesIn, 0);
      return;
    }
    if (faults.drops(call)) {
      record.engine(name, appId, null, bytesIn, 0);
      this.#socket.terminate();
      return;
    }
    const { text, answer, error } = this.#answer(request, faults.engineError(call));
    record.engine(name, appId, error, bytesIn, text.length);
    const dueMs = session.line.done(atMs, this.#serviceMs(answer, text.length)) + pacing.times.roundTripMs + waitMs;
    const shown = faults.garbles(call) ? GARBLED : text;
    if (!request.isNotification) pacing.at(dueMs, () => this.#reply(shown));
  }

  #answer(request: Request, injected: number | null): { text: string; answer: Answer | null; error: number | null } {
    const head = { jsonrpc: '2.0', id: request.id };
    try {
      if (injected !== null) throw new EngineError(injected);
      const answer = this.#attached.session.serve(request.handle, request.method, request.params);
      for (const handle of answer.close) this.#forget(handle);
      const message = {
        ...head,
        ...(request.delta ? { delta: true } : {}),
        result: request.delta ? this.#patched(request, answer.outputs) : answer.outputs,
        ...(answer.change.length > 0 ? { change: answer.change } : {}),
        ...(answer.close.length > 0 ? { close: answer.close } : {}),
      };
      return { text: JSON.stringify(message), answer, error: null };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { text: JSON.stringify({ ...head, error }), answer: null, error: error.code };
    }
  }

  #patched(request: Request, outputs: Json): Json {
    const patched: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(outputs)) {
      const key = `${request.handle}/${request.method}/${name}`;
      patched[name] = patchesOf(this.#last.get(key), value);
      this.#last.set(key, value);
    }
    return patched;
  }

  #forget(handle: number): void {
    for (const key of this.#last.keys()) if (key.startsWith(`${handle}/`)) this.#last.delete(key);
  }

  #serviceMs(answer: Answer | null, bytes: number): number {
    const { times } = this.#context.pacing;
    const opened = answer?.opened;
    if (opened) return times.openMs + (opened.withData ? (opened.bytes / MIB) * times.openDataMsPerMiB : 0);
    return times.engineMs + (bytes / 1024) * times.engineMsPerKiB;
  }

  #reply(text: string): void {
    const { outOfOrder, extraNotifications } = this.#context.faults.settings;
    this.#replies += 1;
    if (extraNotifications > 0 && this.#replies % extraNotifications === 0)
      this.notify('OnExcessLicenseAssignment', { severity: 'information', message: 'Excess license assignment' });
    if (!outOfOrder) {
      this.#send(text);
      return;
    }
    this.#shuffled.push(text);
    if (this.#shuffled.length > 1) return;
    this.#context.pacing.at(this.#context.pacing.now() + SHUFFLE_MS, () => {
      const replies = this.#shuffled.reverse();
      this.#shuffled = [];
      for (const reply of replies) this.#send(reply);
    });
  }

  #send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#socket.terminate();
    else this.#socket.send(text);
  }
}

/** The app that an `OpenDoc` asks for: faults for one app must hit its open too. */
const openedApp = (request: Request): string | null => {
  if (request.method !== 'OpenDoc') return null;
  const { params } = request;
  const name: unknown = Array.isArray(params) ? params[0] : (params as Json | null | undefined)?.['qDocName'];
  return typeof name === 'string' ? name : null;
};
