import type { JobHandler } from '#agent/bridge/job-handler.ts';
import type { DraftRecord, RecordSink } from '#agent/spool/sink.ts';
import { CrawlOptions } from '#protocol/job-options.ts';
import type { JobSpec } from '#protocol/messages.ts';
import type { OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import { type Note, type Notebook, withRemade } from './notebook.ts';
import type { Random } from './random.ts';
import {
  appKey,
  appOf,
  appsSeen,
  goneStream,
  itemsOf,
  lineageItems,
  type Site,
  scopesOf,
  streamItems,
} from './site.ts';

export interface Pace {
  /** Before each record. */
  readonly pause: () => Promise<void>;
  readonly random: Random;
  /** A record was taken, though the handler may have been told to pause. */
  readonly onWritten: () => void;
}

type Ending = Pick<OutcomeRecord, 'outcome' | 'whole' | 'anew' | 'checkpoint'>;

/** A scope as a pass over the site is about to write it. */
export interface PlannedScope {
  readonly scope: string;
  readonly records: readonly StreamRecord[];
  readonly ending: Ending;
}

type Untagged = ReturnType<typeof itemsOf>[number] | Extract<StreamRecord, { t: 'listed' | 'gone' }>;

/** A record with the name of the pass that wrote it, so that a mixture shows. */
export const tagged = (record: Untagged, pass: string): StreamRecord => {
  if (record.t === 'gone') return record;
  if (record.t === 'listed') return { ...record, name: `${record.name}/${pass}` };
  if (record.t === 'picture')
    return { ...record, content: Buffer.from(`${pass} ${record.content}`).toString('base64') };
  return { ...record, attributes: { ...record.attributes, by: pass } };
};

/** Which pass wrote a line; undefined for those that cannot say. */
export const passOf = (record: StreamRecord): string | undefined => {
  if (record.t === 'listed') return record.name.split('/').at(-1);
  if (record.t === 'picture') return Buffer.from(record.content, 'base64').toString().split(' ')[0];
  return record.t === 'asset' || record.t === 'edge' ? String(record.attributes?.['by']) : undefined;
};

/** Kinds of which all are sent anew when only the lineage of an app changed. */
export const LINEAGE = ['dataset', 'column', 'derives', 'loads'] as const;
/** Kinds that come whole of an app of which the stories cannot be read. */
const BESIDE_STORIES = ['app', 'sheet', 'dataset', 'column'] as const;

const siteScope = (site: Site, base: Note | undefined, name: string): { records: Untagged[]; ending: Ending } => {
  const { connection: scope, lists } = site;
  const listed = appsSeen(site).map((app) => ({
    t: 'listed' as const,
    scope,
    key: appKey(site, app),
    name: `App ${app}`,
  }));
  const all = itemsOf(site, scope);
  if (lists === 'no users') {
    const rest = all.filter((item) => item.t !== 'edge' && !(item.t === 'asset' && item.kind === 'user'));
    return { records: [...rest, ...listed], ending: { outcome: 'partial', whole: ['stream', 'app'] } };
  }
  if (lists === 'some apps')
    return { records: [...all, ...listed], ending: { outcome: 'partial', whole: ['stream', 'user'] } };
  if (!base) return { records: [...all, ...listed], ending: { outcome: 'complete', checkpoint: name } };
  const changed = [...site.streams].filter(([stream, version]) => base.streams[stream] !== version);
  const gone = Object.keys(base.streams).filter((stream) => !site.streams.has(Number(stream)));
  return {
    records: [
      ...changed.flatMap(([stream]) => streamItems(site, stream)),
      ...gone.map((stream) => goneStream(site, Number(stream))),
      ...listed,
    ],
    ending: { outcome: 'updated', checkpoint: name },
  };
};

const appScope = (site: Site, app: number, base: Note | undefined): { records: Untagged[]; ending: Ending } => {
  const scope = appKey(site, app);
  const all = itemsOf(site, scope);
  const fate = site.fates.get(app);
  if (fate === 'vanishing') return { records: [], ending: { outcome: 'gone' } };
  if (fate === 'denied') {
    // As the list of apps has it: what is inside stays as it was read before, but for what is known to be no longer.
    const [own] = all;
    const sparse =
      own?.t === 'asset' ? [{ ...own, sparse: true as const, attributes: { seen: site.version, stories: null } }] : [];
    return { records: sparse, ending: { outcome: app % 2 === 0 ? 'denied' : 'failed' } };
  }
  if (fate === 'lacking')
    return {
      records: all.filter((item) => item.t !== 'asset' || item.kind !== 'story'),
      ending: { outcome: 'partial', whole: [...BESIDE_STORIES] },
    };
  if (fate === 'cut') {
    const half = all.slice(0, Math.ceil(all.length / 2));
    return { records: [...half], ending: { outcome: 'partial' } };
  }
  const known = base?.apps[app];
  const now = site.apps.get(app);
  if (!known?.open || known.version !== now?.version) return { records: [...all], ending: { outcome: 'complete' } };
  if (known.lineage === now.lineage) return { records: [], ending: { outcome: 'unchanged' } };
  return { records: [...lineageItems(site, app)], ending: { outcome: 'updated', anew: [...LINEAGE] } };
};

/** What a pass over a site writes, going on from a state or not. */
export const planOf = (site: Site, pass: string, base: Note | undefined, job: JobSpec): readonly PlannedScope[] => {
  // What other jobs wrote since that state may have been published, or not: it is read again.
  const unsure = new Set(base?.touched.filter(([id]) => id !== job.jobId).map(([, scope]) => scope));
  return scopesOf(site).map((scope) => {
    const sure = unsure.has(scope) ? undefined : base;
    const { records, ending } =
      scope === site.connection ? siteScope(site, sure, stateName(job)) : appScope(site, appOf(scope), sure);
    return { scope, records: records.map((record) => tagged(record, pass)), ending };
  });
};

const stateName = ({ jobId, attempt }: JobSpec): string => `${jobId}/${attempt}`;

/** The state that a crawl leaves. */
const noteOf = (site: Site, job: JobSpec): Note => ({
  name: stateName(job),
  streams: Object.fromEntries(site.streams),
  apps: Object.fromEntries(
    [...site.apps].map(([app, { version, lineage }]) => {
      const open = site.fates.get(app) === 'open' && appsSeen(site).includes(app);
      return [app, { version, lineage, open }];
    }),
  ),
  touched: [],
});

/** What a handler works with. */
export interface Looked {
  readonly site: Site;
  readonly pass: string;
  readonly pace: Pace;
  readonly notebook: Notebook;
  /** Told before anything is written. */
  readonly onPlan: (plan: readonly PlannedScope[]) => void;
}

/** Reads a site, as a whole or from a state on: two scopes side by side now and then. */
export const crawlHandler = (look: (jobId: string) => Looked): JobHandler => ({
  run: async (spec, sink: RecordSink, { signal, skipScopes, onProgress }) => {
    const looked = look(spec.jobId);
    const { site, pass, pace, notebook, onPlan } = looked;
    const { mode, checkpoint, lineageJob } = CrawlOptions.parse(spec.options);
    const note = await notebook.read(site.connection);
    const isBase = mode === 'delta' && note !== undefined && note.name === checkpoint;
    const base = isBase ? withRemade(note, lineageJob) : undefined;
    const plan = planOf(site, pass, base, spec);
    onPlan(plan);
    let scopesDone = 0;
    const write = async (record: DraftRecord): Promise<void> => {
      signal.throwIfAborted();
      await pace.pause();
      await sink.write(record);
      pace.onWritten();
    };
    const read = async ({ scope, records, ending }: PlannedScope): Promise<void> => {
      await notebook.touch(site.connection, spec.jobId, scope);
      await write({ t: 'scope', scope, kind: scope === site.connection ? 'site' : 'app', name: scope });
      for (const record of records) await write(record);
      if (scope !== site.connection) await keep(looked, appOf(scope), ending);
      await write({ t: 'outcome', scope, ...ending });
      scopesDone += 1;
      onProgress({ scopesDone, scopesTotal: null, records: 0, current: [scope] });
    };
    const [first, ...rest] = plan.filter(({ scope }) => !skipScopes.has(scope));
    if (first) await read(first);
    while (rest.length > 0) {
      // As real crawls do: none ends while a part of it still writes.
      const done = await Promise.allSettled(rest.splice(0, pace.random.int(1, 2)).map(read));
      for (const one of done) if (one.status === 'rejected') throw one.reason;
    }
    if (!site.only) await notebook.write(site.connection, noteOf(site, spec));
  },
});

/** What was read of an app is kept for lineage; of one that could not be opened what was kept before stays. */
const keep = async ({ site, notebook }: Looked, app: number, { outcome }: Ending): Promise<void> => {
  const content = site.apps.get(app);
  const isRead = outcome === 'complete' || outcome === 'partial';
  if (outcome === 'gone') await notebook.keep(site.connection, app, undefined);
  else if (isRead && content) {
    const { version, sheets, stories } = content;
    await notebook.keep(site.connection, app, { version, sheets, stories, isPart: outcome === 'partial' });
  }
};
