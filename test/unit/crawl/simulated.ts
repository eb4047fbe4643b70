import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import type { CrawlOptions } from '#agent/crawl/options.ts';
import type { CrawlSummary } from '#agent/crawl/progress.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { Authentication, Connection } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import type { AssetRecord, OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import type { SimulatorOptions } from '#test/simulator/options.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { impatience } from '../qlik/fake-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'culvert-simulated-'));
// Of the test file that imports this; a worker that is ended by force never hears that its process exits.
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const simulate = (options: SimulatorOptions = {}): Promise<Simulator> =>
  startSimulator({ seed: 7, apps: 8, folder, ...options });

export type Way = 'jwt' | 'header' | 'certificate';

export const authenticationFor = ({ addresses }: Simulator, way: Way): Authentication => {
  switch (way) {
    case 'jwt':
      return { type: 'jwt', token: new Secret(readFileSync(addresses.jwt.tokenPath, 'utf8').trim()) };
    case 'header':
      return {
        type: 'header',
        header: addresses.header.headerName,
        value: new Secret(addresses.header.headerValue),
      };
    case 'certificate':
      return {
        type: 'certificate',
        certificate: readFileSync(addresses.certificates.clientPath, 'utf8'),
        key: new Secret(readFileSync(addresses.certificates.clientKeyPath, 'utf8')),
        authority: readFileSync(addresses.certificates.rootPath, 'utf8'),
        userDirectory: addresses.user.directory,
        userId: addresses.user.id,
      };
    default:
      return way satisfies never;
  }
};

/** A connection to the simulator in one of the ways in which agents connect. */
export const connectionFor = (simulator: Simulator, way: Way = 'jwt', more: Partial<Connection> = {}): Connection => {
  const { addresses } = simulator;
  const prefix = way === 'certificate' ? '' : addresses[way].prefix;
  const wss = addresses.proxyUrl.replace(/^http/, 'ws');
  return {
    file: 'simulated.conf',
    contentHash: '0'.repeat(64),
    code: 'sim',
    name: 'Simulated site',
    proxy: undefined,
    dedicatedUser: false,
    enabled: true,
    environment: undefined,
    description: undefined,
    accessNotes: undefined,
    origin: way === 'certificate' ? addresses.qrsUrl : addresses.proxyUrl,
    prefix,
    engineUrl: way === 'certificate' ? addresses.engineUrl : `${wss}/${prefix}`,
    displayUrl: `https://qlik.example/${prefix}`,
    aliasHost: undefined,
    authentication: authenticationFor(simulator, way),
    tls: {
      extraAuthorities: [readFileSync(addresses.certificates.rootPath, 'utf8')],
      replaceDefaultRoots: false,
      systemAuthorities: false,
      verifyHostName: true,
      bypassCertificateValidation: false,
    },
    crawl: { engineSessions: 2, appTimeoutMs: 60_000, sheetId: 'engine' },
    ...more,
  };
};

/** What a crawl wrote, by scope. */
export interface Crawled {
  readonly summary: CrawlSummary;
  readonly records: StreamRecord[];
  readonly assets: AssetRecord[];
  readonly outcomes: Map<string, OutcomeRecord>;
  readonly waitedMs: number[];
}

export const crawlSimulated = async (
  connection: Connection,
  options: Omit<CrawlOptions, 'patience'> & {
    readonly patience?: Patience;
    sessionPatienceMs?: number;
    records?: StreamRecord[];
  } = {},
): Promise<Crawled> => {
  const patience = impatience();
  const records = options.records ?? [];
  await using site = openSite(connection, {
    dialer: new Dialer(),
    patience: options.patience ?? patience,
    signal: options.signal,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.sessionPatienceMs === undefined ? {} : { sessionPatienceMs: options.sessionPatienceMs }),
  });
  const write = (record: StreamRecord): Promise<void> => {
    records.push(record);
    return Promise.resolve();
  };
  const summary = await crawl(site, connection, new RecordGate({ write }), {
    ...options,
    patience: options.patience ?? patience,
  });
  return {
    summary,
    records,
    assets: records.filter((record) => record.t === 'asset'),
    outcomes: new Map(records.flatMap((record) => (record.t === 'outcome' ? [[record.scope, record]] : []))),
    waitedMs: patience.waitedMs,
  };
};
