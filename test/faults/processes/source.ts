import type { AssetRecord, EdgeRecord, ListedRecord } from '#protocol/records.ts';
import { Chance } from './chance.ts';

/** What a connection holds at the moment: the same numbers give the same records, in every process. */
export interface SourceState {
  readonly seed: number;
  /** Apps come, change and go with it. */
  readonly generation: number;
  /** As many records does a crawl have at least, but for apps that say that they did not change. */
  readonly records: number;
  /** Whether the generation before was published: apps that did not change may then say so. */
  readonly follows: boolean;
}

export interface SourceScope {
  readonly key: string;
  readonly kind: 'site' | 'app';
  readonly name: string;
  readonly outcome: 'complete' | 'unchanged';
  readonly records: readonly (AssetRecord | EdgeRecord | ListedRecord)[];
}

const WORDS = ['Umsatz', 'Región', 'цех', '売上', 'Sales', 'Naïve "quoted"', 'a\\b', 'Δ margin', 'tab\there', '😀'];

const text = (chance: Chance, words: number): string =>
  Array.from({ length: words }, () =>
    chance.is(0.3) ? chance.pick(WORDS) : chance.between(0, 60_000_000).toString(36),
  ).join(' ');

const hex = (chance: Chance, digits: number): string =>
  Array.from({ length: digits }, () => chance.between(0, 15).toString(16)).join('');

/** An app changes every `period` generations, each at another time. */
const versionOf = (seed: number, app: number, generation: number): number => {
  const chance = new Chance(seed, app, 1);
  const period = chance.between(1, 4);
  return Math.floor((generation + chance.between(0, 3)) / period);
};

const exists = (seed: number, app: number, generation: number): boolean =>
  new Chance(seed, app, Math.floor(generation / 2), 2).is(0.92);

const appScope = (connection: string, seed: number, app: number, generation: number): SourceScope => {
  const id = hex(new Chance(seed, app, 3), 12);
  const scope = `${connection}/${id}`;
  const chance = new Chance(seed, app, versionOf(seed, app, generation), 4);
  const name = `App ${app} ${text(chance, 2)}`;
  const records: (AssetRecord | EdgeRecord)[] = [
    {
      t: 'asset',
      scope,
      key: scope,
      kind: 'app',
      name,
      parent: connection,
      attributes: { sizeBytes: chance.between(1, 1e9) },
    },
  ];
  const add = (kind: AssetRecord['kind'], key: string, parent: string, attributes: AssetRecord['attributes']): void => {
    records.push({ t: 'asset', scope, key, kind, name: text(chance, chance.between(1, 4)), parent, attributes });
  };
  for (let sheet = chance.between(0, 4); sheet > 0; sheet--) {
    const key = `${scope}/sheet-${sheet}`;
    add('sheet', key, scope, { description: text(chance, 12), approved: chance.is(0.5) });
    for (let chart = chance.between(0, 9); chart > 0; chart--) {
      const chartKey = `${scope}/chart-${sheet}-${chart}`;
      // Now and then one that is larger than others by far.
      const long = chance.is(0.02) ? 3_000 : chance.between(3, 60);
      add('chart', chartKey, key, { type: 'barchart', title: text(chance, long), cell: { x: chart, y: sheet } });
      if (chance.is(0.3)) add('chartMeasure', `${chartKey}/m/1`, chartKey, { expression: `Sum([${text(chance, 2)}])` });
    }
  }
  for (let table = chance.between(0, 3); table > 0; table--) {
    const key = `${scope}/table/t${table}`;
    add('table', key, scope, { rows: chance.between(0, 1e7) });
    for (let field = chance.between(1, 16); field > 0; field--) {
      const fieldKey = `${scope}/field/f${table}_${field}`;
      add('field', fieldKey, scope, { tags: ['$numeric', text(chance, 1)], distinct: chance.between(1, 1e6) });
      records.push({ t: 'edge', scope, kind: 'contains', from: key, to: fieldKey });
    }
  }
  return { key: scope, kind: 'app', name, outcome: 'complete', records };
};

/** The apps of a generation: as many as it takes for so many records. */
const appScopes = (
  connection: string,
  { seed, records }: SourceState,
  generation: number,
): Map<number, SourceScope> => {
  const apps = new Map<number, SourceScope>();
  for (let app = 0, count = 0; count < records; app++) {
    if (!exists(seed, app, generation)) continue;
    const scope = appScope(connection, seed, app, generation);
    apps.set(app, scope);
    // Listed, opened, ended.
    count += scope.records.length + 3;
  }
  return apps;
};

/** All scopes of a connection, the site first. */
export const sourceScopes = (connection: string, state: SourceState): readonly SourceScope[] => {
  const { seed, generation, follows } = state;
  const before = follows ? appScopes(connection, state, generation - 1) : new Map<number, SourceScope>();
  const apps = [...appScopes(connection, state, generation)].map(([app, scope]): SourceScope => {
    const isSame = before.has(app) && versionOf(seed, app, generation) === versionOf(seed, app, generation - 1);
    return isSame && new Chance(seed, app, generation, 5).is(0.2) ? { ...scope, outcome: 'unchanged' } : scope;
  });
  const chance = new Chance(seed, generation, 6);
  const site: (AssetRecord | ListedRecord)[] = [
    { t: 'asset', scope: connection, key: connection, kind: 'site', name: `Site ${seed}`, attributes: { generation } },
  ];
  for (let user = chance.between(1, 40); user > 0; user--) {
    const key = `${connection}/user/${user}`;
    const attributes = { userId: text(chance, 1) };
    site.push({
      t: 'asset',
      scope: connection,
      key,
      kind: 'user',
      name: text(chance, 2),
      parent: connection,
      attributes,
    });
  }
  for (const { key, name } of apps) site.push({ t: 'listed', scope: connection, key, name });
  return [{ key: connection, kind: 'site', name: `Site ${seed}`, outcome: 'complete', records: site }, ...apps];
};

/** How many records a crawl of it sends. */
export const streamLength = (scopes: readonly SourceScope[]): number =>
  scopes.reduce((sum, scope) => sum + 2 + (scope.outcome === 'unchanged' ? 0 : scope.records.length), 0);

/** What the source names in the file that the agent under test reads. */
export type SourceFile = Readonly<Record<string, SourceState>>;
