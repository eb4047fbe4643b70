import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { testJob } from '#agent/commands/test-job.ts';
import { TestPace } from '#agent/commands/test-pace.ts';
import { type InventorySite, ruleTexts, takeInventory } from '#agent/crawl/inventory.ts';
import { type Check, pass as passed } from '#agent/doctor/check.ts';
import { runChecks } from '#agent/doctor/run.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { Fault } from '#protocol/errors.ts';
import type { ItemRecord } from '#protocol/inventory.ts';
import { InventoryOptions, PreviewOptions } from '#protocol/job-options.ts';
import type { PictureRecord } from '#protocol/records.ts';
import type { Looked, Pace } from './crawl.ts';
import { appKey, type Site } from './site.ts';

type Look = (jobId: string) => Looked;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export const CHECKS = ['dns', 'tcp', 'tls', 'authentication'] as const;

/** Checks that look at nothing: each says which pass it was of, and now and then one fails. */
const checksOf = (
  { random, pause, onWritten }: Pace,
  pass: string,
): readonly Check<undefined, (typeof CHECKS)[number]>[] =>
  CHECKS.map((id) => ({
    id,
    noun: `the check ${id}`,
    needs: [],
    deadlineMs: 600_000,
    run: async () => {
      await pause();
      onWritten();
      if (random.chance(0.9)) return passed(pass);
      return { status: 'fail', fault: new Fault('network.timeout', pass).toJSON() };
    },
  }));

/** The connections of an agent as its folder has them. */
const stateOf = (code: string) => ({
  ...{ file: `${code}.conf`, code, name: code, state: 'ready' as const, inForce: '1', loadedAt: null, url: null },
  ...{ authentication: null, environment: null, description: null, accessNotes: null },
  ...{ bypassCertificateValidation: false, problems: [] },
});

/** The real job and the real run of checks, of which each is simulated. */
export const testHandler = (look: Look, nowMs: () => number): JobHandler => {
  const pace = new TestPace(nowMs);
  return {
    run: (spec, sink, context) => {
      const looked = look(spec.jobId);
      const job = testJob(
        { states: () => [stateOf(spec.connection)] },
        ({ signal, onStart, onCheck }) => {
          const checks = checksOf(looked.pace, looked.pass);
          return runChecks(checks, undefined, { target: 'connection', signal, onStart, onCheck, now: nowMs });
        },
        quiet,
        pace,
      );
      return job.run(spec, sink, context);
    },
  };
};

const row = (id: string, name: string) => ({
  ...{ id, name, description: '', stream: null, published: false, owner: null, tags: [], customProperties: [] },
  ...{ createdDate: undefined, modifiedDate: undefined, modifiedByUserName: '' },
});

/** The lists of a site as the repository would give them. */
const repositoryOf = (site: Site): InventorySite => {
  const listing = <T>(rows: readonly T[]) => Promise.resolve({ rows, counted: rows.length, incomplete: undefined });
  const apps = [...site.apps].map(([app, { sheets }]) => ({ id: `app-${app}`, sheets }));
  return {
    connection: { code: site.connection, crawl: { sheetId: 'engine' } },
    streams: () => listing([...site.streams.keys()].map((stream) => row(String(stream), `Stream ${stream}`))),
    apps: () => listing(apps.map(({ id }) => row(id, id))),
    async *sheets() {
      for (const { id, sheets } of apps)
        yield Array.from({ length: sheets }, (_, n) => ({
          ...row(`s-${n}`, ''),
          engineObjectId: `sheet-${n}`,
          appId: id,
          approved: false,
        }));
    },
  };
};

/** Says of each item in which pass it was listed. */
const filterOf = (pass: string): Filter => ({
  ...EVERYTHING,
  rules: [{ text: pass }],
  judge: ({ kind }) => ({ kept: kind !== 'stream', rule: pass }),
});

/** The real inventory of a simulated repository. */
export const inventoryHandler = (look: Look): JobHandler => ({
  run: async (spec, sink, { signal }) => {
    const { site, pass, pace } = look(spec.jobId);
    const options = InventoryOptions.parse(spec.options);
    const filter = filterOf(pass);
    await sink.write({ t: 'inventory', rules: ruleTexts(filter) });
    for await (const items of takeInventory(repositoryOf(site), filter, options))
      for (const item of items) {
        signal.throwIfAborted();
        await pace.pause();
        await sink.write(item);
        pace.onWritten();
      }
  },
});

/** What an inventory of a site lists, by keys in any order. */
export const inventoryOf = ({ connection, streams, apps }: Site): readonly Pick<ItemRecord, 'kind' | 'key'>[] => [
  ...[...streams.keys()].map((stream) => ({ kind: 'stream' as const, key: `${connection}/stream/${stream}` })),
  ...[...apps].flatMap(([app, { sheets }]) => [
    { kind: 'app' as const, key: `${connection}/app-${app}` },
    ...Array.from({ length: sheets }, (_, n) => ({
      kind: 'sheet' as const,
      key: `${connection}/app-${app}/sheet-${n}`,
    })),
  ]),
];

/** The pictures that a preview of an app brings. */
export const picturesOf = (site: Site, pass: string, { app, data }: PreviewOptions): readonly PictureRecord[] => {
  const scope = appKey(site, Number(app));
  const { sheets = 0, version } = site.apps.get(Number(app)) ?? {};
  return Array.from({ length: sheets }, (_, n) => ({
    t: 'picture',
    scope,
    key: `${scope}/sheet-${n}`,
    source: data ? 'data' : 'layout',
    mediaType: 'image/png',
    content: Buffer.from(`${pass} preview ${version}/${n}`).toString('base64'),
  }));
};

/** Draws the sheets of one app. */
export const previewHandler = (look: Look): JobHandler => ({
  run: async (spec, sink, { signal }) => {
    const { site, pass, pace } = look(spec.jobId);
    const options = PreviewOptions.parse(spec.options);
    if (!site.apps.has(Number(options.app))) throw new Fault('qlik.not_found', `There is no app ${options.app}`);
    for (const picture of picturesOf(site, pass, options)) {
      signal.throwIfAborted();
      await pace.pause();
      await sink.write(picture);
      pace.onWritten();
    }
  },
});
