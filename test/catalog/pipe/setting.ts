import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pipe } from '../../demo/pipe.ts';
import { SimulatedSite } from '../../demo/site.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

export interface FileOptions {
  readonly code: string;
  readonly name?: string;
  /** Lines that replace or add to what the file says. */
  readonly further?: string;
}

/** A connection file by header authentication for a simulated site. */
export const headerFile = (site: SimulatedSite, { code, name = code, further = '' }: FileOptions): string => {
  const { header, certificates } = site.addresses;
  return `name = "${name}"
code = "${code}"
connector_id = "qlik-sense"
connection {
  url = "${header.url}"
  auth.key = "${header.headerName}"
  auth.value = """${header.headerValue}"""
}
tls.truststore { path = "${certificates.rootPath}", type = "PEM" }
${further}
`;
};

/** One catalog and one agent for the tests of a file, with as many Qlik sites as they like. */
export class Setting implements AsyncDisposable {
  readonly folder: string;
  readonly pipe: Pipe;
  readonly database: TestDatabase;
  readonly #sites: SimulatedSite[] = [];

  private constructor(folder: string, pipe: Pipe, database: TestDatabase) {
    this.folder = folder;
    this.pipe = pipe;
    this.database = database;
  }

  /** @param settings further lines of the agent's settings */
  static async make(stateFolder?: string, settings = ''): Promise<Setting> {
    const folder = await mkdtemp(join(tmpdir(), 'culvert-pipe-'));
    const database = await openTestDatabase();
    const at = { folder, settings, databaseUrl: database.url };
    const pipe = await Pipe.start(stateFolder === undefined ? at : { ...at, stateFolder });
    return new Setting(folder, pipe, database);
  }

  async site(seed: number, apps: number, further: readonly string[] = [], profile?: string): Promise<SimulatedSite> {
    const site = await SimulatedSite.start({
      folder: join(this.folder, `site-${this.#sites.length}`),
      seed,
      apps,
      further,
      ...(profile === undefined ? {} : { profile }),
    });
    this.#sites.push(site);
    return site;
  }

  /** Writes a connection file into the agent's folder. */
  async drop(file: string, text: string): Promise<void> {
    await writeFile(join(this.pipe.connections, file), text);
  }

  /** Writes a file and waits until the catalog shows it as ready. */
  async connect(code: string, text: string): Promise<void> {
    await this.drop(`${code}.conf`, text);
    await this.pipe.connection(code, ({ status }) => status.state === 'ready');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pipe[Symbol.asyncDispose]();
    await Promise.all(this.#sites.map((site) => site[Symbol.asyncDispose]()));
    await this.database[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
