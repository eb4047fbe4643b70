import type { Me } from '#catalog/api/contract.ts';
import { type Catalog, createCatalog } from '#catalog/catalog.ts';
import { createBackend } from '#catalog/jobs/backend.ts';
import { createApiToken } from '#catalog/store/api-tokens.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { addMember, createLoginToken, findMember } from '#catalog/store/members.ts';
import { createOrganisation } from '#catalog/store/organisations.ts';
import type { CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { appRecords, connectionState, siteRecords, TestAgent, TestStream } from './agent.ts';
import { openTestDatabase, silent, type TestDatabase } from './database.ts';

/** Behind the `?` of an address. */
export const query = (values: Readonly<Record<string, string | number>>): string =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();

export interface Reply<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** One way of asking the API: with a token, a cookie, or nothing. */
export class Client {
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(address: string, headers: Readonly<Record<string, string>> = {}) {
    this.address = address;
    this.headers = headers;
  }

  async ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<T>> {
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  get<T = Record<string, unknown>>(path: string): Promise<Reply<T>> {
    return this.ask<T>('GET', path);
  }
}

type Crawled = Awaited<ReturnType<Served['crawled']>>;

/** A whole catalog on a real port, with its database. */
export class Served implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly catalog: Catalog;

  private constructor(database: TestDatabase, catalog: Catalog) {
    this.database = database;
    this.catalog = catalog;
  }

  static async open(webRoot?: string): Promise<Served> {
    const database = await openTestDatabase();
    const catalog = await createCatalog({ databaseUrl: database.url, log: silent, webRoot });
    return new Served(database, catalog);
  }

  get sql() {
    return this.catalog.store.sql;
  }

  get anonymous(): Client {
    return new Client(this.catalog.address);
  }

  /** An organisation with a user, and a client that speaks for that user with an API token. */
  async organisation(name: string, email: string) {
    const organisation = await createOrganisation(this.sql, name);
    await addMember(this.sql, { organisationId: organisation.id, email });
    const member = await findMember(this.sql, email);
    if (!member) throw new Error('no member');
    const { token, id } = await createApiToken(this.sql, member, 'test');
    const client = new Client(this.catalog.address, { authorization: `Bearer ${token}` });
    return { organisationId: organisation.id, member, client, tokenId: id };
  }

  /** Logs in as a browser does. */
  async browser(email: string): Promise<Client & { csrf: string }> {
    const member = await findMember(this.sql, email);
    if (!member) throw new Error('no member');
    const oneTimeToken = await createLoginToken(this.sql, member);
    const reply = await this.anonymous.ask<Me>('POST', '/api/v1/login', { oneTimeToken });
    const cookie = reply.headers.get('set-cookie')?.split(';')[0] ?? '';
    return Object.assign(new Client(this.catalog.address, { cookie }), { csrf: reply.body.csrf });
  }

  /** An agent with one crawled connection, through a backend of its own on the same database. */
  crawled(organisationId: string, code: string, apps: Record<string, string[]>) {
    return this.published(organisationId, code, [
      siteRecords(code, Object.keys(apps)),
      ...Object.entries(apps).map(([app, sheets]) => appRecords(code, app, sheets)),
    ]);
  }

  /** An agent with one connection of which these scopes were crawled. */
  async published(organisationId: string, code: string, scopes: readonly StreamRecord[][]) {
    const backend = createBackend({ sql: this.sql, bus: this.catalog.store.bus, log: silent, sweepMs: 0 });
    const agent = await TestAgent.enrol(backend, this.sql, organisationId, [connectionState(code)]);
    const { session } = await agent.open(backend);
    const { job } = await createJob(this.sql, organisationId, { connection: code, kind: 'crawl', createdBy: 'test' });
    const stream = await TestStream.begin(backend, session);
    for (const scope of scopes) await stream.publish(scope);
    await stream.finish();
    return { organisationId, agent, job, backend, session };
  }

  /** A test of a connection that was crawled, with what it found. */
  async tested(
    { organisationId, backend, session }: Crawled,
    code: string,
    found: readonly (CheckRecord | SettingsRecord)[],
  ) {
    const { job } = await createJob(this.sql, organisationId, { connection: code, kind: 'test', createdBy: 'test' });
    const stream = await TestStream.begin(backend, session);
    await stream.publish([{ t: 'test' }, ...found]);
    await stream.finish();
    return { job };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.catalog.close();
    await this.database[Symbol.asyncDispose]();
  }
}
