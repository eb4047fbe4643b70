import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';

/** One request and its answer; bodies are JSON values where they are JSON, else texts. */
export interface Exchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    /** All but those of the connection itself. */
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
}

interface Recorded {
  readonly from: string;
  /** Values that the server made, by the names that tests give them. */
  readonly given: Record<string, string>;
  readonly exchanges: Exchange[];
}

const OF_THE_CONNECTION = new Set(['host', 'connection', 'content-length']);
const KEPT = ['content-type', 'retry-after', 'www-authenticate', 'location', 'date'];

const bodyOf = (raw: string): unknown => {
  if (raw === '') return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
};
const textOf = (body: unknown): string =>
  body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);

/**
 * A server that plays recorded exchanges: each request must be the next one, to the letter, and all must come. With a live
 * server it passes requests on and records, credentials replaced by stand-ins, instead.
 */
export class Transcript implements AsyncDisposable {
  readonly #server: Server;
  readonly #recorded: Recorded;
  readonly #file: string | undefined;
  readonly #live: string | undefined;
  /** Credentials of the live server and what stands for them in the recording. */
  readonly #standIns = new Map<string, string>();
  readonly #wrong: string[] = [];
  #next = 0;

  private constructor(recorded: Recorded, file?: string, live?: string) {
    this.#recorded = recorded;
    this.#file = file;
    this.#live = live;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Plays what stands in `file`; with `live` (its origin and name) writes that file anew. */
  static async open(file: string, live?: { readonly origin: string; readonly from: string }): Promise<Transcript> {
    const recorded: Recorded =
      live === undefined
        ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded)
        : { from: live.from, given: {}, exchanges: [] };
    const transcript = new Transcript(recorded, file, live?.origin);
    transcript.#server.listen(0, '127.0.0.1');
    await once(transcript.#server, 'listening');
    return transcript;
  }

  /** Plays these exchanges. One whose headers have `host` wants it, too. */
  static async of(exchanges: readonly Exchange[]): Promise<Transcript> {
    const transcript = new Transcript({ from: 'the test', given: {}, exchanges: [...exchanges] });
    transcript.#server.listen(0, '127.0.0.1');
    await once(transcript.#server, 'listening');
    return transcript;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A value that the live server made: recorded under a stand-in, which is what is played. */
  async given(name: string, make: () => Promise<string>): Promise<string> {
    if (this.#live === undefined) {
      const value = this.#recorded.given[name];
      if (value === undefined) throw new Error(`${this.#file}: nothing is recorded as ${name}`);
      return value;
    }
    const value = await make();
    this.#standIns.set(value, `canary-${name}`);
    this.#recorded.given[name] = `canary-${name}`;
    return value;
  }

  /** How many exchanges came so far. */
  get count(): number {
    return this.#next;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        typeof value === 'string' && !OF_THE_CONNECTION.has(name) ? [[name, value]] : [],
      ),
    );
    const raw = await text(request);
    const asked = { method: request.method ?? '', path: request.url ?? '', headers, raw, host: request.headers.host };
    const answer = this.#live === undefined ? this.#play(asked) : await this.#pass(this.#live, asked);
    this.#next += 1;
    response.writeHead(answer.status, answer.headers).end(textOf(answer.body));
  }

  #play({ method, path, headers, raw, host }: Asked): Exchange['answer'] {
    const body = bodyOf(raw);
    const expected = this.#recorded.exchanges[this.#next];
    const named = expected?.request.headers['host'] === undefined || host === undefined ? {} : { host };
    const request = { method, path, headers: { ...headers, ...named }, ...(body === undefined ? {} : { body }) };
    if (expected !== undefined && isDeepStrictEqual(request, expected.request)) return expected.answer;
    this.#wrong.push(
      `request ${this.#next + 1} was ${JSON.stringify(request)}, recorded is ${JSON.stringify(expected?.request)}`,
    );
    return { status: 599 };
  }

  async #pass(live: string, { method, path, headers, raw }: Asked): Promise<Exchange['answer']> {
    const reply = await fetch(`${live}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(raw === '' ? {} : { body: raw }),
    });
    const answered = await reply.text();
    const kept = Object.fromEntries(
      KEPT.flatMap((name) => {
        const value = reply.headers.get(name);
        return value === null || name === 'date' ? [] : [[name, value]];
      }),
    );
    for (const [token] of answered.matchAll(/\bhv[sbr]\.[\w-]+/g)) this.#standFor(token, 'token');
    for (const [, accessor] of answered.matchAll(/"accessor":"([^"]+)"/g)) this.#standFor(accessor ?? '', 'accessor');
    const body = bodyOf(raw);
    const request = { method, path, headers, ...(body === undefined ? {} : { body }) };
    const exchange = { request, answer: { status: reply.status, headers: kept, body: bodyOf(answered) } };
    let safe = JSON.stringify(exchange);
    for (const [secret, standIn] of this.#standIns) safe = safe.replaceAll(secret, standIn);
    this.#recorded.exchanges.push(JSON.parse(safe) as Exchange);
    return { status: reply.status, headers: kept, body: bodyOf(answered) };
  }

  #standFor(secret: string, kind: string): void {
    if (!this.#standIns.has(secret)) this.#standIns.set(secret, `canary-${kind}-${this.#standIns.size + 1}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    if (this.#live !== undefined && this.#file !== undefined)
      writeFileSync(this.#file, `${JSON.stringify(this.#recorded, undefined, 2)}\n`);
    else if (this.#next < this.#recorded.exchanges.length)
      this.#wrong.push(`${this.#recorded.exchanges.length - this.#next} recorded requests did not come`);
    if (this.#wrong.length > 0) throw new Error(`${this.#file}:\n${this.#wrong.join('\n')}`);
  }
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: string;
  readonly host: string | undefined;
}
