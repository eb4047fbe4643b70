import { createHash } from 'node:crypto';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import type { DraftRecord, RecordSink } from '#agent/spool/sink.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { Random } from './random.ts';

/** A made-up Qlik site as one job is to find it: its scopes and how many things each holds. */
export interface Site {
  readonly connection: string;
  readonly version: number;
  /** Things in each app by its number; an app that is not there is gone. */
  readonly apps: ReadonlyMap<number, number>;
  /** Length of what is written of a thing; now and then one is longer than a batch may be. */
  readonly bulk: (app: number, n: number) => number;
}

export const someSite = (random: Random, connection: string, version: number): Site => {
  const apps = new Map<number, number>();
  for (let app = 0; app < 5; app += 1) if (random.chance(0.75)) apps.set(app, random.int(0, 12));
  const longAt = random.int(0, 60);
  const usual = random.int(20, 260);
  return {
    connection,
    version,
    apps,
    bulk: (app, n) => (app * 12 + n === longAt ? 1_500 + ((version * 977) % 8_000) : (usual * (n + 7)) % 300),
  };
};

const noise = (seed: string, bytes: number): string => {
  let text = '';
  for (let n = 0; text.length < bytes; n += 1) text += createHash('sha1').update(`${seed}/${n}`).digest('hex');
  return text.slice(0, bytes);
};

const OUTSIDE = 'outside';

/** The records of a scope as this pass over the site writes them: each names the pass, so that a mixture shows. */
const bodyOf = (site: Site, scope: string, pass: string): StreamRecord[] => {
  const { connection } = site;
  const tag = { by: pass, version: site.version };
  if (scope === connection)
    return [
      { t: 'asset', scope, key: scope, kind: 'site', name: 'Site', attributes: { ...tag } },
      ...[...site.apps.keys()].map((app) => ({
        t: 'listed' as const,
        scope,
        key: `${connection}/app-${app}`,
        name: `App ${app}/${pass}/${site.version}`,
      })),
    ];
  const app = Number(scope.split('/app-')[1]);
  const body: StreamRecord[] = [
    { t: 'asset', scope, key: scope, kind: 'app', name: `App ${app}`, parent: connection, attributes: { ...tag } },
  ];
  for (let n = 0; n < (site.apps.get(app) ?? 0); n += 1)
    body.push({
      t: 'asset',
      scope,
      key: `${scope}/sheet-${n}`,
      kind: 'sheet',
      name: `Sheet ${n}`,
      parent: scope,
      attributes: { ...tag, bulk: noise(`${scope}/${n}/${site.version}`, site.bulk(app, n)) },
    });
  if (body.length > 2)
    body.push({ t: 'edge', scope, kind: 'uses', from: `${scope}/sheet-0`, to: OUTSIDE, attributes: { ...tag } });
  return body;
};

const scopesOf = (site: Site): string[] => [
  site.connection,
  ...[...site.apps.keys()].map((app) => `${site.connection}/app-${app}`),
];

const lineOf = (record: StreamRecord): string => `${JSON.stringify(record)}\n`;

/** What the catalog must hold of a scope that this pass read. */
export const expectedLines = (site: Site, scope: string, pass: string): string[] =>
  bodyOf(site, scope, pass).map(lineOf);

export const expectedScopes = (site: Site): ReadonlySet<string> => new Set(scopesOf(site));

export interface Pace {
  /** Before each record. */
  readonly pause: () => Promise<void>;
  readonly random: Random;
  /** A record was taken, though the handler may have been told to pause. */
  readonly onWritten: () => void;
}

/** Reads a site: two scopes side by side now and then. */
export const crawlHandler = (
  look: (jobId: string) => { readonly site: Site; readonly pass: string; readonly pace: Pace },
): JobHandler => ({
  run: async (spec, sink: RecordSink, { signal, skipScopes, onProgress }) => {
    const { site, pass, pace } = look(spec.jobId);
    let scopesDone = 0;
    const write = async (record: DraftRecord): Promise<void> => {
      signal.throwIfAborted();
      await pace.pause();
      await sink.write(record);
      pace.onWritten();
    };
    const read = async (scope: string): Promise<void> => {
      const body = bodyOf(site, scope, pass);
      await write({ t: 'scope', scope, kind: scope === site.connection ? 'site' : 'app', name: scope });
      for (const record of body) await write(record);
      await write({ t: 'outcome', scope, outcome: 'complete' });
      scopesDone += 1;
      onProgress({ scopesDone, scopesTotal: null, records: 0, current: [scope] });
    };
    const [first, ...rest] = scopesOf(site).filter((scope) => !skipScopes.has(scope));
    if (first === undefined) return;
    await read(first);
    while (rest.length > 0) await Promise.all(rest.splice(0, pace.random.int(1, 2)).map(read));
  },
});

/** Tests a connection: a list that is begun afresh by each pass. */
export const testHandler = (look: (jobId: string) => { readonly pass: string; readonly pace: Pace }): JobHandler => ({
  run: async (spec, sink, { signal }) => {
    const { pass, pace } = look(spec.jobId);
    await sink.write({ t: 'test' });
    for (let n = 0; n < CHECKS; n += 1) {
      signal.throwIfAborted();
      await pace.pause();
      const check = { t: 'check', target: 'connection', check: `check-${n}`, status: 'pass' } as const;
      await sink.write({ ...check, seen: pass, details: [], durationMs: 1 });
      pace.onWritten();
      await sink.flush();
    }
  },
});
export const CHECKS = 4;
