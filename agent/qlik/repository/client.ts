import type { HttpReply, HttpRoute } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import { xrfKey } from '../auth/credentials.ts';
import { FIRST_CALL_MS, type QlikSession } from '../auth/session.ts';
import { type Asked, jsonOf, refusal } from '../auth/verdict.ts';
import { type QlikObserver, resultOf } from '../observer.ts';
import { backoffMs, type Patience } from '../patience.ts';

const TRIES = 4;

export interface RepositoryOptions {
  readonly http: HttpRoute;
  readonly session: QlikSession;
  /** Undefined on the direct route. */
  readonly prefix: string | undefined;
  readonly patience: Patience;
  readonly signal: AbortSignal | undefined;
  readonly observer?: QlikObserver | undefined;
}

/** The repository service (QRS) over HTTP: keys, credentials, retries of what passes by itself. */
export class RepositoryClient {
  readonly #options: RepositoryOptions;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  /** `GET /qrs{path}`; `query` values are encoded here. Throws a {@link Fault}. */
  async get(path: string, query: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<unknown> {
    const { reply, asked } = await this.#call('GET', path, query, undefined, signal);
    return jsonOf(reply, asked);
  }

  /** As {@link get}, but undefined for what does not exist (HTTP 404). */
  async find(path: string, query: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<unknown> {
    const { reply, asked } = await this.#call('GET', path, query, undefined, signal, true);
    return reply.status === 404 ? undefined : jsonOf(reply, asked);
  }

  /** `POST /qrs{path}` with a JSON body. Only for calls that read, such as `/table`: they are tried again like reads. */
  async post(path: string, query: Readonly<Record<string, string>>, body: unknown, signal?: AbortSignal) {
    const { reply, asked } = await this.#call('POST', path, query, JSON.stringify(body), signal);
    return jsonOf(reply, asked);
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    query: Readonly<Record<string, string>>,
    body: string | undefined,
    signal: AbortSignal | undefined,
    missingIsAnswer = false,
  ): Promise<{ reply: HttpReply; asked: Asked }> {
    const { http, session, prefix, patience, observer } = this.#options;
    const ends = [this.#options.signal, signal].filter((one) => one !== undefined);
    const end = ends.length > 1 ? AbortSignal.any(ends) : ends[0];
    const asked: Asked = {
      peer: http.peer,
      method,
      path: `${prefix === undefined || prefix === '' ? '' : `/${prefix}`}/qrs${path}`,
      prefix,
    };
    for (let attempt = 0; ; attempt++) {
      const key = xrfKey();
      try {
        const reply = await session.request(http, {
          method,
          path: `${asked.path}?${encodeQuery({ xrfkey: key, ...query })}`,
          headers: {
            accept: 'application/json',
            'x-qlik-xrfkey': key,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body }),
          signal: end,
          // The repository wakes up slowly, and counting objects on a big site takes it long.
          headersTimeoutMs: FIRST_CALL_MS,
          bodyTimeoutMs: FIRST_CALL_MS,
        });
        const fault = refusal(reply, asked, missingIsAnswer);
        if (fault !== undefined) throw fault;
        observer?.qlikRequest('repository', 'ok');
        return { reply, asked };
      } catch (error) {
        observer?.qlikRequest('repository', resultOf(error));
        if (!(error instanceof Fault) || !passes(error) || attempt + 1 >= TRIES) throw error;
        await patience.sleep(
          backoffMs(attempt, 500, 8_000, () => patience.random()),
          end,
        );
      }
    }
  }
}

/** What passes by itself within seconds. A refused connection or an unknown name does not: those fail at once. */
const passes = (fault: Fault): boolean => fault.code === 'network.reset' || fault.code === 'qlik.unavailable';

/** As `encodeURIComponent`, which leaves `'` alone: QRS filters are full of it, and some proxies take offence. */
const encodeQuery = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("'", '%27')}`)
    .join('&');
