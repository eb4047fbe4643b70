import type { Difference, InventoryItem, Job, Publish, SettingsChange, StoredSettings } from '#catalog/api/contract.ts';
import { ago, job } from './job.ts';
import type { World } from './world.ts';

/** What a person may set, has listed and has published: beside the jobs and scopes of a {@link World}. */
export class Runs {
  settings = new Map<string, StoredSettings>();
  changes = new Map<string, SettingsChange[]>();
  publishes = new Map<string, Publish[]>();
  /** By job and scope. */
  differences = new Map<string, Difference>();
  inventories = new Map<string, { readonly rules: readonly string[]; readonly items: readonly InventoryItem[] }>();

  stored(code: string): StoredSettings {
    return this.settings.get(code) ?? { settings: {}, version: 0, changedAt: null, changedBy: null };
  }
}

export const RULES = [
  'exclude stream "Test*" (prod.conf, line 12)',
  'exclude app "Old reports" (settings in the catalog)',
  'include stream "Sales" (prod.conf, line 10)',
] as const;

const item = (kind: InventoryItem['kind'], name: string, fields: Partial<InventoryItem> = {}): InventoryItem => ({
  kind,
  key: `prod/${kind}/${name}`,
  name,
  within: kind === 'stream' ? null : 'Sales',
  kept: true,
  rule: null,
  ...fields,
});

export const LISTED: readonly InventoryItem[] = [
  item('stream', 'Sales', { rule: RULES[2] }),
  item('stream', 'Test Überblick', { kept: false, rule: RULES[0] }),
  item('app', 'Sales Überblick', { rule: RULES[2] }),
  item('app', 'Scratch', { within: null }),
  item('app', 'Trial <b>', { within: 'Test Überblick', kept: false, rule: RULES[0] }),
  item('app', `Donaudampfschifffahrt ${'x'.repeat(140)}`, { within: 'Test Überblick', kept: false, rule: RULES[0] }),
  ...Array.from({ length: 130 }, (_, n) => item('app', `Report ${String(n + 1).padStart(3, '0')}`)),
  item('sheet', 'Overview', { within: 'Sales Überblick' }),
];

/** Adds an inventory of a connection to the history. */
export const addInventory = (world: World, id: string, code: string, fields: Partial<Job> = {}): Job => {
  const count = (kept: boolean, kind: InventoryItem['kind']): number =>
    LISTED.filter((one) => one.kept === kept && one.kind === kind).length;
  const of = (kept: boolean) => ({
    stream: count(kept, 'stream'),
    app: count(kept, 'app'),
    sheet: count(kept, 'sheet'),
  });
  const done = job(id, code, {
    kind: 'inventory',
    createdAt: ago(50),
    startedAt: ago(49),
    finishedAt: ago(40),
    outcomes: {},
    inventory: { kept: of(true), rejected: of(false) },
    ...fields,
  });
  world.jobs.unshift(done);
  world.runs.inventories.set(id, { rules: RULES, items: LISTED });
  world.change(code, { lastInventory: done });
  return done;
};

const named = (kind: 'sheet' | 'chart' | 'app', name: string, exists = true) => ({
  key: `prod/app-1/${name}`,
  kind,
  name,
  exists,
});

/** Settings, a list and a history of publishes for `prod`. */
export const addRuns = (world: World): void => {
  addInventory(world, 'list-1', 'prod');
  addInventory(world, 'list-tried', 'claims', { tried: true });
  world.runs.settings.set('prod', {
    settings: { excludeApps: ['Old reports', 'regex:Copy of .*'], unpublishedApps: false, deletion: 'flag' },
    version: 2,
    changedAt: ago(3_000),
    changedBy: 'ada@example.com',
  });
  world.runs.changes.set('prod', [
    {
      version: 2,
      changedAt: ago(3_000),
      changedBy: 'ada@example.com',
      changes: [
        { setting: 'excludeApps', from: ['Old reports'], to: ['Old reports', 'regex:Copy of .*'] },
        { setting: 'deletion', from: null, to: 'flag' },
      ],
    },
    {
      version: 1,
      changedAt: ago(90_000),
      changedBy: 'bob@example.com',
      changes: [{ setting: 'unpublishedApps', from: null, to: false }],
    },
  ]);
  world.runs.publishes.set('prod', [
    {
      job: 'job-1',
      state: 'published',
      createdAt: ago(7_300),
      finishedAt: ago(7_100),
      createdBy: 'ada@example.com',
      mode: 'delta',
      scopes: 46,
      scopesChanged: 38,
      added: 15,
      changed: 130,
      removed: 2,
    },
  ]);
  world.runs.differences.set('job-1 prod/app-1', {
    isFirst: false,
    counts: { added: 12, changed: 5, removed: 2 },
    added: [named('sheet', 'Forecast'), ...Array.from({ length: 9 }, (_, n) => named('chart', `Chart ${n}`))],
    changed: [named('app', 'Sales Überblick'), ...Array.from({ length: 4 }, (_, n) => named('chart', `Bar ${n}`))],
    removed: [named('sheet', 'Old page', false), named('chart', '', false)],
  });
};
