import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SUBPROTOCOL } from '#protocol/constants.ts';
import {
  decodeEntries,
  entryNumber,
  GATEWAY_NAME,
  POLLING,
  POLLING_HEADERS,
  POLLING_PATHS,
  PollingError,
} from '#protocol/polling.ts';
import { PollingChannel } from './channel-polling.ts';
import type { GatewayClock } from './clock.ts';
import { type Refusal, refusalHead } from './refusal.ts';

export interface PollingDoorOptions {
  readonly clock: GatewayClock;
  readonly holdMs: number;
  /** Takes a new agent in, or says why not; `authenticated` tells whether it has shown who it is by now. */
  readonly admit: (
    request: IncomingMessage,
    open: () => PollingChannel,
  ) => { readonly authenticated: () => boolean } | Refusal;
  /** Why a request of any kind is not even looked at. */
  readonly refusal: (request: IncomingMessage) => Refusal | undefined;
  /** An agent was not let in. */
  readonly onRefused?: (refusal: Refusal) => void;
}

interface Handle {
  readonly channel: PollingChannel;
  authenticated: () => boolean;
  /** The body that is being read. */
  sending: IncomingMessage | undefined;
}

/** A body has this long to come in; proxies that stall one are found by it. */
const BODY_MS = 20_000;

const PATHS: ReadonlyMap<string, keyof typeof POLLING_PATHS> = new Map([
  [POLLING_PATHS.open, 'open'],
  [POLLING_PATHS.poll, 'poll'],
  [POLLING_PATHS.send, 'send'],
]);

/** What the path of a request means to the door; undefined when it is not for it. */
const meaning = (request: IncomingMessage): keyof typeof POLLING_PATHS | undefined =>
  PATHS.get((request.url ?? '').split('?', 1)[0] ?? '');

/** Agents that come by HTTPS requests: three addresses, and a secret handle for each session. */
export class PollingDoor {
  readonly #options: PollingDoorOptions;
  readonly #handles = new Map<string, Handle>();

  constructor(options: PollingDoorOptions) {
    this.#options = options;
  }

  /** Takes a request that is meant for it; false for any other. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const what = meaning(request);
    if (what === undefined) return false;
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const refused =
      request.method !== 'POST'
        ? { status: 405, text: 'Method Not Allowed' }
        : request.headers['content-encoding'] !== undefined
          ? { status: 415, text: 'Unsupported Media Type' }
          : this.#options.refusal(request);
    if (refused) {
      if (what === 'open') this.#options.onRefused?.(refused);
      refuse(response, refused);
    } else if (what === 'open') this.#open(request, response);
    else this.#withHandle(request, response, what);
    return true;
  }

  /** Ends what is left of every session. Nothing is waited for any more. */
  close(): void {
    for (const { channel, sending } of [...this.#handles.values()]) {
      sending?.destroy();
      channel.abandon();
    }
  }

  #open(request: IncomingMessage, response: ServerResponse): void {
    const { clock, holdMs, admit } = this.#options;
    const secret = randomBytes(32).toString('base64url');
    const admitted = admit(request, () => {
      const channel = new PollingChannel(clock, holdMs, () => this.#handles.delete(secret));
      this.#handles.set(secret, { channel, authenticated: () => false, sending: undefined });
      return channel;
    });
    if ('status' in admitted) {
      this.#options.onRefused?.(admitted);
      refuse(response, admitted);
      return;
    }
    const handle = this.#handles.get(secret);
    if (handle) handle.authenticated = admitted.authenticated;
    const body = Buffer.from(JSON.stringify({ protocol: SUBPROTOCOL, session: secret, holdMs }));
    answer(response, 200, body, { 'content-type': 'application/json' });
  }

  #withHandle(request: IncomingMessage, response: ServerResponse, what: 'poll' | 'send'): void {
    const secret = /^Bearer ([\w-]{43})$/.exec(request.headers.authorization ?? '')?.[1];
    const handle = secret === undefined ? undefined : this.#handles.get(secret);
    const number = entryNumber(request.headers[what === 'poll' ? POLLING_HEADERS.received : POLLING_HEADERS.first]);
    // Another replica's session, one that ended, or one of a gateway that was started anew: the agent opens another.
    if (handle === undefined) refuse(response, { status: 410, text: 'Gone' });
    else if (number === undefined) refuse(response, { status: 400, text: 'Bad Request' });
    else if (what === 'poll') poll(handle.channel, number, request, response);
    else void this.#send(handle, number, request, response);
  }

  async #send(handle: Handle, first: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { channel } = handle;
    // The agent has one body under way: an earlier one is a connection that it gave up.
    handle.sending?.destroy();
    handle.sending = request;
    const most = handle.authenticated() ? POLLING.bodyBytes : POLLING.bodyBytesBefore;
    const body = await readBody(request, most, this.#options.clock);
    if (handle.sending === request) handle.sending = undefined;
    if (body === 'cut') return;
    if (body === 'large') {
      refuse(response, { status: 413, text: 'Content Too Large' });
      channel.broken(new PollingError(`a body is over ${most} bytes`));
      return;
    }
    try {
      const taken = first < 1 ? 'gap' : channel.take(first, decodeEntries(body));
      const received = { [POLLING_HEADERS.received]: String(channel.taken) };
      if (taken === 'gone') refuse(response, { status: 410, text: 'Gone' });
      else if (taken === 'gap') answer(response, 409, Buffer.alloc(0), received);
      else answer(response, 200, Buffer.alloc(0), received);
    } catch (error) {
      if (!(error instanceof PollingError)) throw error;
      refuse(response, { status: 400, text: 'Bad Request' });
      channel.broken(error);
    }
  }
}

const poll = (channel: PollingChannel, received: number, request: IncomingMessage, response: ServerResponse): void => {
  // A poll has no body; what is sent all the same is not kept.
  request.resume();
  const takeBack = channel.poll(received, (first, entries) => {
    const body = Buffer.concat(entries);
    answer(response, 200, body, {
      'content-type': 'application/octet-stream',
      [POLLING_HEADERS.first]: String(first),
      [POLLING_HEADERS.received]: String(channel.taken),
    });
  });
  if (takeBack === undefined) refuse(response, { status: 400, text: 'Bad Request' });
  else response.on('close', takeBack);
};

/** The whole body; `cut` when it did not come to its end. */
const readBody = (request: IncomingMessage, most: number, clock: GatewayClock): Promise<Buffer | 'large' | 'cut'> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const cancel = clock.after(BODY_MS, () => request.destroy());
    const end = (result: Buffer | 'large' | 'cut'): void => {
      cancel();
      resolve(result);
    };
    if (Number(request.headers['content-length'] ?? 0) > most) {
      end('large');
      return;
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= most) chunks.push(chunk);
      else {
        chunks.length = 0;
        end('large');
      }
    });
    request.on('end', () => end(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('close', () => end('cut'));
  });

/** A complete answer with its length, which no cache keeps and nothing on the way may change. */
const answer = (response: ServerResponse, status: number, body: Buffer, headers: Record<string, string>): void => {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    [POLLING_HEADERS.gateway]: GATEWAY_NAME,
    'cache-control': 'no-store, no-transform',
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
};

const refuse = (response: ServerResponse, refusal: Refusal): void => {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(refusal.status, { ...refusalHead(refusal), connection: 'close' });
  response.end();
};
