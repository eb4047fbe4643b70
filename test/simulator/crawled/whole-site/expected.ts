import { assetKey } from '#protocol/keys.ts';
import { truthOfApp } from '#test/simulator/model/truth.ts';
import type { App, EngineObject, Entity, Site, User } from '#test/simulator/model/types.ts';

/** An asset that the catalog must hold, as the site's own model has it: never as anything was asked for or answered. */
export interface Expected {
  readonly key: string;
  readonly kind: string;
  readonly parent: string | null;
  /** Undefined where the site gives no name of its own, and a crawl makes one up. */
  readonly name: string | undefined;
  /** What must be among its attributes; others may be there, too. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

const NEVER = '1753-01-01T00:00:00.000Z';
type Tree = Readonly<Record<string, unknown>>;
const treeOf = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});

/** Attributes without what says nothing. */
const said = (attributes: Tree): Tree =>
  Object.fromEntries(
    Object.entries(attributes).filter(
      ([, value]) =>
        value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  );

/** What is expected of a site, for a connection of this code. */
export class ExpectedSite {
  readonly #site: Site;
  readonly #code: string;
  readonly #users: ReadonlyMap<string, User>;
  readonly #tags: ReadonlyMap<string, string>;
  readonly #properties: ReadonlyMap<string, string>;

  constructor(site: Site, code: string) {
    this.#site = site;
    this.#code = code;
    this.#users = new Map(site.users.map((user) => [user.id, user]));
    this.#tags = new Map(site.tags.map(({ id, name }) => [id, name]));
    this.#properties = new Map(site.customPropertyDefinitions.map(({ id, name }) => [id, name]));
  }

  key(...parts: readonly string[]): string {
    return parts.length === 0 ? this.#code : `${this.#code}/${assetKey(...parts)}`;
  }

  /** Everything that belongs to no app, the site itself left out. */
  *siteScope(): Generator<Expected> {
    const lists: readonly (readonly [string, readonly Entity[]])[] = [
      ['stream', this.#site.streams],
      ['dataConnection', this.#site.dataConnections],
      ['reloadTask', this.#site.reloadTasks],
      ['extension', this.#site.extensions],
    ];
    for (const [kind, rows] of lists) for (const row of rows) yield this.#entity(kind, row, [kind, row.id], this.#code);
    for (const user of this.#site.users)
      yield {
        key: this.key('user', user.id),
        kind: 'user',
        parent: this.#code,
        name: user.name,
        attributes: said({ userId: user.userId, userDirectory: user.userDirectory, email: user.email }),
      };
    for (const { id, name } of this.#site.tags)
      yield { key: this.key('tag', id), kind: 'tag', parent: this.#code, name, attributes: {} };
    for (const { id, name } of this.#site.customPropertyDefinitions)
      yield { key: this.key('customProperty', id), kind: 'customProperty', parent: this.#code, name, attributes: {} };
  }

  /** Every asset of an app; of one that the user may not open those that the repository tells of are left out. */
  app(app: App): { readonly outcome: string; readonly assets: readonly Expected[] } {
    const { outcome, list } = truthOfApp(this.#site, app.id);
    const details = new Map<string, Tree>();
    if (outcome !== 'denied') this.#details(app, details);
    const assets = list.map(({ kind, key, parent, name }, index): Expected => {
      if (index === 0) return this.#entity('app', app, [app.id], this.key(...parent), this.#appDetails(app));
      return {
        key: this.key(...key),
        kind,
        parent: this.key(...parent),
        name: name === '' ? undefined : name,
        attributes: details.get(this.key(...key)) ?? {},
      };
    });
    return { outcome, assets };
  }

  #entity(kind: string, row: Entity, key: readonly string[], parent: string, more: Tree = {}): Expected {
    const attributes = said({
      created: row.createdDate,
      modified: row.modifiedDate,
      tags: row.tagIds.map((id) => this.#tags.get(id)).filter((name) => name !== undefined),
      customProperties: row.customProperties.map(({ definitionId, value }) => ({
        name: this.#properties.get(definitionId),
        value,
      })),
      ...more,
    });
    return { key: this.key(...key), kind, parent, name: row.name, attributes };
  }

  /** The e-mail address of an owner that the site still knows. */
  email(ownerId: string): string | null {
    return this.#users.get(ownerId)?.email ?? null;
  }

  #appDetails(app: App): Tree {
    return {
      description: app.description,
      published: app.published,
      publishTime: app.publishTime === NEVER ? null : app.publishTime,
      lastReload: app.lastReloadTime === NEVER ? null : app.lastReloadTime,
    };
  }

  #details(app: App, found: Map<string, Tree>): void {
    const content = this.#site.content(app.id);
    const put = (attributes: Tree, ...parts: readonly string[]): void => {
      found.set(this.key(app.id, ...parts), said(attributes));
    };
    const meta = ({ properties }: EngineObject): Tree => treeOf(properties['qMetaDef']);
    for (const sheet of content.sheets) {
      put({ description: meta(sheet)['description'], approved: sheet.approved, published: sheet.published }, sheet.qId);
      for (const child of sheet.children) this.#chart(child, put);
    }
    for (const one of content.masterMeasures) {
      const measure = treeOf(one.properties['qMeasure']);
      put({ expression: measure['qDef'], label: measure['qLabel'], tags: meta(one)['tags'] }, one.qId);
    }
    for (const one of content.masterDimensions) {
      const dimension = treeOf(one.properties['qDim']);
      put({ fields: dimension['qFieldDefs'], tags: meta(one)['tags'] }, one.qId);
    }
    // Their tags stay open: the engine answers the way to a list of texts with an empty text, and asking for each variable's
    // properties would be a call for every one of them.
    for (const { qId, comment, isReserved, isConfig } of content.variables)
      if (!isReserved && !isConfig) put({ comment }, qId);
    const tables = new Set<string>();
    for (const { name, rows, byteSize, isSystem } of content.tables) {
      if (isSystem || tables.has(name)) continue;
      tables.add(name);
      put({ rows, sizeBytes: byteSize }, 'table', name);
    }
    for (const { name, cardinal, totalCount, byteSize, tags, isSystem, comment } of content.fields)
      if (!isSystem)
        put({ distinctValues: cardinal, values: totalCount, sizeBytes: byteSize, tags, comment }, 'field', name);
  }

  #chart(object: EngineObject, put: (attributes: Tree, ...parts: readonly string[]) => void): void {
    const { visualization, title, subtitle, footnote, orientation } = object.properties;
    const plain = (value: unknown): unknown => (typeof value === 'string' ? value : undefined);
    put(
      {
        type: visualization,
        title: plain(title),
        subtitle: plain(subtitle),
        footnote: plain(footnote),
        orientation: plain(orientation),
      },
      object.qId,
    );
    for (const child of object.children) this.#chart(child, put);
  }
}
