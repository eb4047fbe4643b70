import { type Backend, createBackend } from '#catalog/jobs/backend.ts';
import { countAll } from '#catalog/store/assets.ts';
import { type Bus, openBus } from '#catalog/store/events.ts';
import {
  createJob,
  findJob,
  type Job,
  listChecks,
  listPublishedScopes,
  listQlikSettings,
} from '#catalog/store/jobs.ts';
import { createOrganisation } from '#catalog/store/organisations.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { connectionState, TestAgent, TestStream } from './agent.ts';
import { openTestDatabase, silent, type TestDatabase } from './database.ts';

/** A database with a backend, for tests of what the backend promises. */
export class World implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly bus: Bus;
  readonly publishing: Sql;
  backend: Backend;
  #organisations = 0;

  private constructor(database: TestDatabase, bus: Bus, publishing: Sql) {
    this.database = database;
    this.bus = bus;
    this.publishing = publishing;
    this.backend = this.another();
  }

  static async open(): Promise<World> {
    const database = await openTestDatabase();
    const bus = await openBus(database.sql);
    const publishing = connect(database.url, { max: 4, repeatable: true });
    return new World(database, bus, publishing);
  }

  get sql() {
    return this.database.sql;
  }

  /** A second process on the same database. */
  another(): Backend {
    return createBackend({ sql: this.sql, publishing: this.publishing, bus: this.bus, log: silent, sweepMs: 0 });
  }

  /** The process ends and another begins: nothing but the database stays. */
  async restart(): Promise<void> {
    await this.backend.close();
    this.backend = this.another();
    await this.backend.start();
  }

  /** A new organisation with an agent that reports these connections, in an open session. */
  async enter(...codes: string[]) {
    this.#organisations += 1;
    const { id } = await createOrganisation(this.sql, `Organisation ${this.#organisations}`);
    const agent = await TestAgent.enrol(
      this.backend,
      this.sql,
      id,
      codes.map((code) => connectionState(code)),
    );
    const { session } = await agent.open(this.backend);
    return { organisationId: id, agent, session };
  }

  async job(organisationId: string, connection: string): Promise<Job> {
    return (await createJob(this.sql, organisationId, { connection, kind: 'crawl', createdBy: 'test' })).job;
  }

  /** Asks for a crawl and begins it. */
  async crawl(place: { organisationId: string; session: TestStream['session'] }, connection: string) {
    const job = await this.job(place.organisationId, connection);
    return { job, stream: await TestStream.begin(this.backend, place.session) };
  }

  async test(organisationId: string, connection: string): Promise<Job> {
    return (await createJob(this.sql, organisationId, { connection, kind: 'test', createdBy: 'test' })).job;
  }

  /** Asks for a test and begins it. */
  async diagnosis(place: { organisationId: string; session: TestStream['session'] }, connection: string) {
    const job = await this.test(place.organisationId, connection);
    return { job, stream: await TestStream.begin(this.backend, place.session) };
  }

  /** The ids of the checks that are shown, in order. */
  async checks(organisationId: string, jobId: string): Promise<string[]> {
    return (await listChecks(this.sql, organisationId, jobId)).map(({ check }) => check);
  }

  /** The titles of what Qlik needs, in order. */
  async settings(organisationId: string, jobId: string): Promise<string[]> {
    return (await listQlikSettings(this.sql, organisationId, jobId)).map(({ title }) => title);
  }

  async state(organisationId: string, jobId: string): Promise<Job> {
    const job = await findJob(this.sql, organisationId, jobId);
    if (!job) throw new Error('no such job');
    return job;
  }

  async scopes(organisationId: string, jobId: string) {
    return (await listPublishedScopes(this.sql, organisationId, jobId, { limit: 1000 })).items;
  }

  async counts(organisationId: string, connection?: string) {
    return (await countAll(this.sql, organisationId, connection)).assets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backend.close();
    await this.bus.close();
    await this.publishing.end({ timeout: 1 });
    await this.database[Symbol.asyncDispose]();
  }
}
