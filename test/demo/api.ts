import type { Check, Counts, Job, QlikSettings } from '#catalog/api/contract.ts';

/** The catalog's REST API as a program sees it: an address and an API token. */
export class Api {
  readonly address: string;
  readonly #token: string;

  constructor(address: string, token: string) {
    this.address = address.replace(/\/$/, '');
    this.#token = token;
  }

  /** @throws Error with status, code and advice when the answer is not a success. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path);
  }

  startCrawl(connection: string): Promise<Job> {
    return this.call('POST', `/api/v1/connections/${encodeURIComponent(connection)}/jobs`, { kind: 'crawl' });
  }

  startTest(connection: string, options: { readonly link?: boolean } = {}): Promise<Job> {
    const path = `/api/v1/connections/${encodeURIComponent(connection)}/jobs`;
    return this.call('POST', path, { kind: 'test', options });
  }

  /** What a test found, and what it says that Qlik needs. */
  found(id: string): Promise<{ readonly items: readonly Check[]; readonly settings: readonly QlikSettings[] }> {
    return this.get(`/api/v1/jobs/${id}/checks`);
  }

  async checks(id: string): Promise<readonly Check[]> {
    return (await this.found(id)).items;
  }

  job(id: string): Promise<Job> {
    return this.get(`/api/v1/jobs/${id}`);
  }

  counts(connection: string): Promise<Counts> {
    return this.get(`/api/v1/counts?connection=${encodeURIComponent(connection)}`);
  }
}
