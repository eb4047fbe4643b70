import { isAdmitted } from './access.ts';
import type { AppContent, DataConnection, DerivedField, ScriptSource, Site, UserName } from './types.ts';

/**
 * A dataset by the naming rules of OpenLineage: `root` and then the parts, which are not encoded, joined by `/`. An empty
 * root: the app's own, below the connection's code.
 */
export interface DatasetName {
  readonly root: string;
  readonly parts: readonly string[];
}

/** What a thing was made of: a column of a dataset. */
export interface OriginTruth {
  readonly dataset: DatasetName;
  readonly column: string;
  readonly role: 'value' | 'map-key';
  /** Of a field of another app: its id; `dataset` says nothing then. */
  readonly app?: string;
}

export interface AppLineageTruth {
  readonly appId: string;
  /** Every field of the app's own tables; one without origins comes from nowhere outside of the script. */
  readonly fields: readonly { readonly name: string; readonly origins: readonly OriginTruth[] }[];
  readonly stores: readonly {
    readonly dataset: DatasetName;
    readonly columns: readonly { readonly name: string; readonly origins: readonly OriginTruth[] }[];
  }[];
  /** Ids of the apps that it loads whole, or may load: of several that are called like a file, each is one. */
  readonly takes: readonly string[];
  /** What the tables of the data model were read from; pieces of script that drop what they load may read more. */
  readonly reads: readonly DatasetName[];
}

interface Database {
  readonly namespace: string;
  readonly database: string;
  readonly case: (name: string) => string;
}

const asWritten = (name: string): string => name;

/** The databases behind the connections that scripts use, as whoever runs them would tell. */
const DATABASES: ReadonlyMap<string, Database> = new Map([
  ['DWH (corp_svc_qlik)', { namespace: 'sqlserver://sql01.corp.example:1433', database: 'SalesDW', case: asWritten }],
  [
    'HR Core (corp_hr_admin)',
    {
      namespace: 'postgres://pg-hr.corp.example:5432',
      database: 'HRCore',
      case: (name: string) => name.toLowerCase(),
    },
  ],
  [
    'Snowflake',
    { namespace: 'snowflake://acme.eu-central-1', database: 'LOGISTICS', case: (name: string) => name.toUpperCase() },
  ],
]);

interface Resolved {
  readonly app?: string;
  readonly dataset: DatasetName;
  readonly column: (name: string) => string;
}

/** Sheets of workbooks on a disk are found whatever their case. */
const MOST_NAMESAKES = 5;
const WORKBOOK = /\.xlsx?$/i;

class Places {
  readonly #host: string;
  readonly #connections: ReadonlyMap<string, DataConnection>;
  readonly #site: Site;

  constructor(site: Site, host: string) {
    this.#host = host;
    this.#site = site;
    this.#connections = new Map(site.dataConnections.map((connection) => [connection.name, connection]));
  }

  /** Everything that it can be. */
  all(source: ScriptSource, appId: string): readonly Resolved[] {
    return source.type === 'app' ? this.#apps(source.path, appId) : [this.of(source, appId)];
  }

  of(source: Exclude<ScriptSource, { type: 'app' }>, appId: string): Resolved {
    switch (source.type) {
      case 'own':
        return { dataset: { root: '', parts: [appId, 'source', source.text] }, column: asWritten };
      case 'file':
        return { dataset: this.#file(source), column: asWritten };
      case 'object':
        return this.#object(source.connection, source.object);
      default:
        return source satisfies never;
    }
  }

  /** By its id, or a file that is called like apps: that is a place of its own, too. */
  #apps(path: string, reader: string): readonly Resolved[] {
    const stem = (path.split('/').at(-1) ?? '').replace(/\.qvf$/, '').toLowerCase();
    const byId = this.#site.app(stem);
    const namesakes = this.#site.apps.filter(({ id, name }) => name.toLowerCase() === stem && id !== reader);
    const apps = byId === undefined ? (namesakes.length > MOST_NAMESAKES ? [] : namesakes) : [byId];
    const [library = '', ...names] = path.slice('lib://'.length).split('/');
    return [
      ...(byId === undefined ? [{ dataset: this.#file({ type: 'file', library, names }), column: asWritten }] : []),
      ...apps.map(({ id }) => ({ app: id, dataset: { root: '', parts: [id] }, column: asWritten })),
    ];
  }

  #known(name: string): DataConnection {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new RangeError(`no data connection ${name} on this site`);
    return connection;
  }

  #file({ library, names, table }: Extract<ScriptSource, { type: 'file' }>): DatasetName {
    const { type, connectionstring } = this.#known(library);
    if (type !== 'folder') {
      const url = new URL(connectionstring);
      const path = url.pathname.split('/').slice(1).map(decodeURIComponent);
      return { root: 'https://', parts: [url.host, ...path, ...names, ...(table === undefined ? [] : [table])] };
    }
    const folders = connectionstring.split('\\').filter((part) => part !== '');
    const inner = table !== undefined && WORKBOOK.test(names.at(-1) ?? '') ? table.toLowerCase() : table;
    return {
      root: 'file://',
      parts: [
        // A drive is one of the Qlik server's.
        ...(connectionstring.startsWith('\\\\') ? [] : [this.#host]),
        ...[...folders, ...names].map((part) => part.toLowerCase()),
        ...(inner === undefined ? [] : [inner]),
      ],
    };
  }

  #object(name: string, object: string): Resolved {
    const { type, connectionstring } = this.#known(name);
    const database = DATABASES.get(name);
    if (database !== undefined) {
      const [home = '', ...rest] = object.split('.');
      // The connection's own database is spelled as the connection has it.
      const first = home.toLowerCase() === database.database.toLowerCase() ? database.database : database.case(home);
      const full = [first, ...rest.map(database.case)].join('.');
      const [root, server] = database.namespace.split(/(?<=:\/\/)/);
      return { dataset: { root: root ?? '', parts: [server ?? '', full] }, column: database.case };
    }
    if (type === 'ODBC') {
      const source = /\[([^\];]+)/.exec(connectionstring)?.[1] ?? '';
      return {
        dataset: { root: 'odbc://', parts: [this.#host, source.toLowerCase(), object] },
        column: asWritten,
      };
    }
    const address = /url=([^;]+)/.exec(connectionstring)?.[1] ?? '';
    const { host, pathname } = new URL(address);
    return {
      dataset: { root: 'https://', parts: [host, ...pathname.split('/').slice(1), object] },
      column: asWritten,
    };
  }
}

/**
 * Which datasets may hold what others hold, by their names alone: what is read of all months, and what is kept of one. Each
 * from what reads to what is written.
 */
export const pastTruth = (
  site: Site,
  host: string,
  user: UserName = site.crawlUser,
): readonly { readonly from: DatasetName; readonly to: DatasetName }[] => {
  const places = new Places(site, host.toLowerCase());
  const placed = (source: ScriptSource, appId: string): DatasetName => placeOf(places.all(source, appId));
  const read = new Map<string, DatasetName>();
  const kept: { readonly months: DatasetName; readonly to: DatasetName }[] = [];
  for (const app of site.apps) {
    if (!isAdmitted(app, user) || app.scriptHidden) continue;
    const { reads, stores } = site.content(app.id).provenance;
    for (const source of reads)
      if (source.type === 'file' && source.names.at(-1)?.includes('*') === true) {
        const dataset = placed(source, app.id);
        read.set(JSON.stringify(dataset), dataset);
      }
    for (const { target, monthly } of stores) {
      const to = placed(target, app.id);
      if (monthly !== undefined) kept.push({ months: placed(monthly, app.id), to });
      else if (target.type === 'file' && target.names[0] === 'past')
        kept.push({ months: { ...to, parts: to.parts.map((part) => part.replace(/_2024\.qvd$/, '_*.qvd')) }, to });
    }
  }
  const edges = kept.flatMap(({ months, to }) => {
    const from = read.get(JSON.stringify(months));
    return from === undefined ? [] : [{ from, to }];
  });
  return [...new Map(edges.map((edge) => [JSON.stringify(edge), edge])).values()];
};

/** What is written has one place. */
const placeOf = ([place]: readonly Resolved[]): DatasetName => {
  if (place === undefined) throw new RangeError('a script stores into nothing');
  return place.dataset;
};

/**
 * Where every field of every app comes from, and every column of every file that an app writes, to the column: values
 * (what a flag tests is one) and the keys of mappings. Filters, join keys, groups and sorting belong to a table rather than to a field and
 * are not told. `host`: of the Qlik server, as the crawl's address calls it. Apps that `user` may not open are left out.
 */
export const lineageTruth = (site: Site, host: string, user: UserName = site.crawlUser): readonly AppLineageTruth[] => {
  const places = new Places(site, host.toLowerCase());
  return site.apps
    .filter((app) => isAdmitted(app, user) && !app.scriptHidden)
    .map(({ id }): AppLineageTruth => {
      const { fields, stores, reads } = site.content(id).provenance;
      const traced = ({ name, origins }: DerivedField) => ({
        name,
        origins: origins.flatMap(({ source, column, role }) =>
          places.all(source, id).map(
            ({ dataset, column: cased, app }): OriginTruth => ({
              ...{ dataset, column: cased(column), role },
              ...(app === undefined ? {} : { app }),
            }),
          ),
        ),
      });
      const everywhere = reads.flatMap((source) => places.all(source, id));
      return {
        appId: id,
        fields: fields.map(traced),
        stores: stores.map(({ target, columns }) => ({
          dataset: placeOf(places.all(target, id)),
          columns: columns.map(traced),
        })),
        takes: [...new Set(everywhere.flatMap(({ app }) => app ?? []))],
        reads: [
          ...new Map(
            everywhere.flatMap(({ dataset, app }) =>
              app === undefined ? [[JSON.stringify(dataset), dataset] as const] : [],
            ),
          ).values(),
        ],
      };
    });
};

/** What scripts of the site include, by path; whoever serves files serves these. */
export const includedScripts = (site: Site): ReadonlyMap<string, string> =>
  new Map(
    site.apps.flatMap(({ id }) => site.content(id).provenance.includes.map(({ path, text }) => [path, text] as const)),
  );

/** Without the script nobody can tell. */
export const lineageCounts = (
  content: AppContent | null,
): { readonly fields: number; readonly storedColumns: number } => ({
  fields: content?.provenance.fields.filter(({ origins }) => origins.length > 0).length ?? 0,
  storedColumns: content?.provenance.stores.reduce((sum, { columns }) => sum + columns.length, 0) ?? 0,
});
