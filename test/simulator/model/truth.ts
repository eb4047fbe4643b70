import { isAdmitted } from './access.ts';
import { lineageCounts } from './lineage-truth.ts';
import type { App, AppContent, AppObject, EngineObject, Site, Truth, UserName } from './types.ts';

/**
 * What a perfect crawl finds on a site, by the catalog's asset kinds. It is counted from the model, never from requests:
 * a crawler that is right finds these numbers, whatever way it goes.
 */
export interface SiteTruth {
  /** Asset kind → number; every kind is there, absent ones with 0. */
  readonly assets: Truth;
  readonly edges: { readonly contains: number; readonly uses: number; readonly owns: number };
  /** Fields that come from a column outside of the app, and columns of files that apps write; `lineageTruth` tells them. */
  readonly lineage: { readonly fields: number; readonly storedColumns: number };
  /** What becomes of the app scopes: `complete`, `partial` (a hidden script), `denied` (section access). */
  readonly outcomes: Truth;
}

/** One asset with its place, so that a test can compare object by object. Parts are not encoded, the code is left out. */
interface ExpectedAsset {
  readonly kind: string;
  /** The parts of the key after the connection's code: `[appId, objectId, 'd', cId]`. */
  readonly key: readonly string[];
  /** The parts of the parent's key; empty for the site. */
  readonly parent: readonly string[];
  readonly name: string;
}

interface ExpectedEdge {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface AppTruth extends SiteTruth {
  readonly outcome: 'complete' | 'partial' | 'denied';
  readonly list: readonly ExpectedAsset[];
  readonly uses: readonly ExpectedEdge[];
  /** From charts and master visualizations to the extensions that draw them. */
  readonly usesExtensions: readonly ExpectedEdge[];
  /** From users that exist to the app, its sheets and its stories. */
  readonly owns: readonly ExpectedEdge[];
  /** Pairs of table and field name, non-system on both sides. */
  readonly memberships: readonly (readonly [string, string])[];
}

export const TRUTH_KINDS = [
  'site',
  'stream',
  'app',
  'sheet',
  'chart',
  'chartDimension',
  'chartMeasure',
  'masterDimension',
  'masterMeasure',
  'masterVisualization',
  'variable',
  'bookmark',
  'story',
  'script',
  'scriptSection',
  'table',
  'field',
  'dataConnection',
  'reloadTask',
  'extension',
  'user',
  'tag',
  'customProperty',
] as const;

type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  const expression = isObject(value) ? value['qStringExpression'] : undefined;
  if (typeof expression === 'string') return expression;
  return isObject(expression) && typeof expression['qExpr'] === 'string' ? expression['qExpr'] : '';
};

/** Copies for undo and pictures of former data: their definitions are not part of the chart. */
const NOT_CHART_DATA: ReadonlySet<string> = new Set(['qUndoExclude', 'qEmbeddedSnapshotDef', 'snapshot']);

interface Definition {
  readonly side: 'd' | 'm';
  readonly entry: JsonObject;
  readonly position: number;
}

const collectDefinitions = (value: unknown, found: Definition[]): void => {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const member of value) collectDefinitions(member, found);
    return;
  }
  for (const key in value) {
    if (NOT_CHART_DATA.has(key)) continue;
    const member = (value as JsonObject)[key];
    if (typeof member !== 'object' || member === null) continue;
    if (key === 'qHyperCubeDef' && isObject(member)) {
      for (const [position, entry] of listOf(member['qDimensions']).entries()) {
        if (isObject(entry)) found.push({ side: 'd', entry, position });
      }
      for (const [position, entry] of listOf(member['qMeasures']).entries()) {
        if (isObject(entry)) found.push({ side: 'm', entry, position });
      }
    }
    if (key === 'qListObjectDef' && isObject(member)) found.push({ side: 'd', entry: member, position: 0 });
    collectDefinitions(member, found);
  }
};

/** All dimension and measure definitions in the properties of a chart, in the order in which they stand there. */
export const definitionsIn = (properties: unknown): readonly Definition[] => {
  const found: Definition[] = [];
  collectDefinitions(properties, found);
  return found;
};

/** Master items that properties name by `{type: 'libraryItem', key}`: what a chart is coloured by. */
const itemsIn = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(itemsIn);
  if (!isObject(value)) return [];
  const own = value['type'] === 'libraryItem' && typeof value['key'] === 'string' ? [value['key']] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([name, member]) => (NOT_CHART_DATA.has(name) ? [] : itemsIn(member))),
  ];
};

/** Gives `name`, then `name~2`, `name~3`, …; never one that was given already. */
const numbered = (): ((name: string) => string) => {
  const given = new Set<string>();
  return (name) => {
    let unique = name;
    for (let count = 2; given.has(unique); count += 1) unique = `${name}~${count}`;
    given.add(unique);
    return unique;
  };
};

/** The sections of a load script with their names as they stand; none for a blank script. */
export const scriptSections = (script: string): readonly { readonly name: string; readonly text: string }[] => {
  if (script.trim() === '') return [];
  const sections: { name: string; text: string }[] = [{ name: 'Main', text: '' }];
  for (const line of script.split(/\r?\n/)) {
    const tab = /^\/\/\/\$tab ?(.*)$/.exec(line);
    if (tab === null) sections[sections.length - 1] = { ...last(sections), text: `${last(sections).text}${line}\n` };
    else sections.push({ name: (tab[1] ?? '').trim(), text: '' });
  }
  const [preface, ...tabs] = sections;
  return tabs.length === 0 || (preface?.text ?? '').trim() !== '' ? sections : tabs;
};

const last = <T>(list: readonly T[]): T => list[list.length - 1] as T;

const idsOfUsers = new WeakMap<Site['users'], ReadonlySet<string>>();

const userIds = ({ users }: Site): ReadonlySet<string> => {
  const known = idsOfUsers.get(users) ?? new Set(users.map(({ id }) => id));
  idsOfUsers.set(users, known);
  return known;
};

class Collector {
  readonly list: ExpectedAsset[] = [];
  readonly uses: ExpectedEdge[] = [];
  readonly usesExtensions: ExpectedEdge[] = [];
  readonly owns: ExpectedEdge[] = [];
  readonly #site: Site;
  readonly #app: App;
  readonly #dimensions: ReadonlySet<string>;
  readonly #measures: ReadonlySet<string>;
  readonly #visualizations: ReadonlySet<string>;

  constructor(site: Site, app: App, content: AppContent | null) {
    this.#site = site;
    this.#app = app;
    const ids = (objects: readonly EngineObject[] | undefined): ReadonlySet<string> =>
      new Set(objects?.map((object) => object.qId));
    this.#dimensions = ids(content?.masterDimensions);
    this.#measures = ids(content?.masterMeasures);
    this.#visualizations = ids(content?.masterVisualizations);
    this.list.push({
      kind: 'app',
      key: [app.id],
      parent: app.streamId === null ? [] : ['stream', app.streamId],
      name: app.name,
    });
    this.owned(app.ownerId, [app.id]);
  }

  owned(ownerId: string, to: readonly string[]): void {
    if (userIds(this.#site).has(ownerId)) this.owns.push({ from: ['user', ownerId], to });
  }

  drawn(key: readonly string[], { properties }: EngineObject): void {
    const extension = this.#site.extensions.find(({ name }) => name === properties['visualization']);
    if (extension !== undefined) this.usesExtensions.push({ from: key, to: ['extension', extension.id] });
  }

  add(kind: string, path: readonly string[], name: string, parent: readonly string[] = []): readonly string[] {
    const key = [this.#app.id, ...path];
    this.list.push({ kind, key, parent: [this.#app.id, ...parent], name });
    return key;
  }

  definitions(object: EngineObject): void {
    for (const item of new Set(itemsIn(object.properties)))
      if (this.#dimensions.has(item) || this.#measures.has(item))
        this.uses.push({ from: [this.#app.id, object.qId], to: [this.#app.id, item] });
    const names = { d: numbered(), m: numbered() };
    for (const { side, entry, position } of definitionsIn(object.properties)) {
      const inner = isObject(entry['qDef']) ? entry['qDef'] : {};
      const cId = typeof inner['cId'] === 'string' && inner['cId'] !== '' ? inner['cId'] : String(position);
      const kind = side === 'd' ? 'chartDimension' : 'chartMeasure';
      const key = this.add(kind, [object.qId, side, names[side](cId)], '', [object.qId]);
      const target = entry['qLibraryId'];
      const library = side === 'd' ? this.#dimensions : this.#measures;
      if (typeof target === 'string' && library.has(target)) this.uses.push({ from: key, to: [this.#app.id, target] });
    }
  }

  chart(object: EngineObject, parent: string): void {
    const key = this.add('chart', [object.qId], textOf(object.properties['title']), [parent]);
    const target = object.properties['qExtendsId'];
    if (typeof target === 'string' && this.#visualizations.has(target)) {
      this.uses.push({ from: key, to: [this.#app.id, target] });
    }
    this.drawn(key, object);
    this.definitions(object);
    for (const child of object.children) this.chart(child, object.qId);
  }
}

const metaTitle = ({ properties }: EngineObject): string => {
  const meta = properties['qMetaDef'];
  return isObject(meta) ? textOf(meta['title']) : '';
};

const count = (list: readonly ExpectedAsset[]): Record<string, number> => {
  const counts: Record<string, number> = Object.fromEntries(TRUTH_KINDS.map((kind) => [kind, 0]));
  for (const { kind } of list) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

const collect = (collector: Collector, app: App, content: AppContent): AppTruth['memberships'] => {
  for (const sheet of content.sheets) {
    collector.owned(sheet.ownerId, collector.add('sheet', [sheet.qId], metaTitle(sheet)));
    for (const child of sheet.children) collector.chart(child, sheet.qId);
  }
  const plain = [
    ['story', content.stories],
    ['bookmark', content.bookmarks],
    ['masterDimension', content.masterDimensions],
    ['masterMeasure', content.masterMeasures],
    ['masterVisualization', content.masterVisualizations],
  ] as const;
  for (const [kind, objects] of plain) {
    for (const object of objects) {
      const key = collector.add(kind, [object.qId], metaTitle(object));
      for (const named of object.names ?? []) collector.uses.push({ from: key, to: [app.id, named] });
      if (kind === 'story') collector.owned(object.ownerId, key);
      if (kind !== 'masterVisualization') continue;
      collector.drawn(key, object);
      collector.definitions(object);
    }
  }
  for (const variable of content.variables) {
    if (!variable.isReserved && !variable.isConfig) collector.add('variable', [variable.qId], variable.name);
  }
  if (!app.scriptHidden && content.script.trim() !== '') {
    collector.add('script', ['script'], 'script');
    const named = numbered();
    for (const { name } of scriptSections(content.script)) {
      collector.add('scriptSection', ['script', named(name)], name, ['script']);
    }
  }
  return collectModel(collector, content);
};

const collectModel = (collector: Collector, content: AppContent): AppTruth['memberships'] => {
  const tables = content.tables.filter((table) => !table.isSystem).map((table) => table.name);
  const fields = content.fields.filter((field) => !field.isSystem);
  for (const name of tables) collector.add('table', ['table', name], name);
  for (const { name } of fields) collector.add('field', ['field', name], name);
  return fields.flatMap(({ name, srcTables }) =>
    [...new Set(srcTables)].filter((table) => tables.includes(table)).map((table) => [table, name] as const),
  );
};

/** The repository's words for objects that a catalog has kinds for. */
const REPOSITORY_KINDS: Readonly<Record<string, string>> = {
  sheet: 'sheet',
  story: 'story',
  dimension: 'masterDimension',
  measure: 'masterMeasure',
  masterobject: 'masterVisualization',
  bookmark: 'bookmark',
};

/** What the repository alone tells of an app that is not opened: objects by name, and nothing that is inside them. */
const collectRepository = (collector: Collector, objects: Iterable<AppObject>): void => {
  for (const { objectType, engineObjectId, name, ownerId } of objects) {
    const kind = REPOSITORY_KINDS[objectType];
    if (kind === undefined) continue;
    const key = collector.add(kind, [engineObjectId], name);
    if (kind === 'sheet' || kind === 'story') collector.owned(ownerId, key);
  }
};

export interface TruthOptions {
  readonly user?: UserName;
  /**
   * `none`: no app can be opened, and what is left is what the repository tells; `metadata`: and the tables and fields that
   * the engine serves beside its sockets. Default `all`.
   */
  readonly engine?: 'all' | 'metadata' | 'none';
}

/**
 * What a crawl as `user` finds of one app, with the list of all assets in it (the app's own first). Of an app that it may
 * not open it finds what the repository tells.
 */
export const truthOfApp = (
  site: Site,
  appId: string,
  { user = site.crawlUser, engine = 'all' }: TruthOptions = {},
): AppTruth => {
  const app = site.app(appId);
  if (app === undefined) throw new RangeError(`no app ${appId} on this site`);
  const content = isAdmitted(app, user) ? site.content(appId) : null;
  const collector = new Collector(site, app, content);
  let memberships: AppTruth['memberships'] = [];
  if (content !== null && engine === 'all') memberships = collect(collector, app, content);
  else {
    collectRepository(collector, site.objects(appId));
    if (content !== null && engine === 'metadata') memberships = collectModel(collector, content);
  }
  const hidden = app.scriptHidden && content !== null && content.script.trim() !== '';
  const outcome = engine !== 'all' || hidden ? 'partial' : content === null ? 'denied' : 'complete';
  const { list, uses, usesExtensions, owns } = collector;
  return {
    outcome,
    list,
    uses,
    usesExtensions,
    owns,
    memberships,
    assets: count(list),
    edges: {
      contains: list.length + memberships.length,
      uses: uses.length + usesExtensions.length,
      owns: owns.length,
    },
    lineage: lineageCounts(outcome === 'complete' ? content : null),
    outcomes: { [outcome]: 1 },
  };
};

/**
 * What a crawl as `user` (by default the site's crawl user) finds of the whole site. `contains` counts one edge for every
 * asset but the site, and one for every field in a table.
 */
export const truth = (site: Site, options: TruthOptions = {}): SiteTruth => {
  const assets: Record<string, number> = {
    ...count([]),
    site: 1,
    stream: site.streams.length,
    user: site.users.length,
    tag: site.tags.length,
    customProperty: site.customPropertyDefinitions.length,
    dataConnection: site.dataConnections.length,
    reloadTask: site.reloadTasks.length,
    extension: site.extensions.length,
  };
  let contains = Object.values(assets).reduce((sum, n) => sum + n, 0) - 1;
  // Every task uses the app that it reloads.
  let uses = site.reloadTasks.filter(({ appId }) => site.app(appId) !== undefined).length;
  let owns = [...site.streams, ...site.dataConnections, ...site.extensions].filter(({ ownerId }) =>
    userIds(site).has(ownerId),
  ).length;
  let [fields, storedColumns] = [0, 0];
  const outcomes: Record<string, number> = {};
  for (const { id } of site.apps) {
    const own = truthOfApp(site, id, options);
    for (const [kind, n] of Object.entries(own.assets)) assets[kind] = (assets[kind] ?? 0) + n;
    contains += own.edges.contains;
    uses += own.edges.uses;
    owns += own.edges.owns;
    fields += own.lineage.fields;
    storedColumns += own.lineage.storedColumns;
    outcomes[own.outcome] = (outcomes[own.outcome] ?? 0) + 1;
  }
  return { assets, edges: { contains, uses, owns }, lineage: { fields, storedColumns }, outcomes };
};
