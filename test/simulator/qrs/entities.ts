import type { App, AppObject, ReloadTask, Site } from '../model/types.ts';
import type { JsonObject } from './answer.ts';
import type { Directory } from './directory.ts';
import { compositesOf, schedulesOf } from './events.ts';
import { type Filter, requiredValues } from './filter.ts';
import { clusterOf, nodeOf, serviceOf, statusesOf, type VirtualProxy, virtualProxyOf } from './installation.ts';
import { allocationsOf } from './licences.ts';
import { rulesOf } from './rules.ts';
import {
  appCondensed,
  appFull,
  connectionCondensed,
  connectionFull,
  definitionCondensed,
  definitionFull,
  extensionFull,
  named,
  type ObjectOfApp,
  objectCondensed,
  objectFull,
  streamFull,
  tagFull,
  userCondensed,
  userFull,
} from './shapes.ts';
import { executionCondensed, executionFull, executionIdOf, taskCondensed, taskFull } from './tasks.ts';

/** One kind of thing that the repository lists. Rows are the model's own; JSON is made one row at a time. */
export interface Entity<T = unknown> {
  readonly schemaPath: string;
  /** All rows that may pass the filter: a filter may let it read less, it is still to be applied. */
  rows(filter: Filter | null): Iterable<T>;
  full(row: T): JsonObject;
  condensed(row: T): JsonObject;
  /** The row of that id, without reading all of them; null when that cannot be done. */
  readonly find: ((id: string) => T | undefined) | null;
}

const listed = <T extends { readonly id: string }>(
  schemaPath: string,
  rows: readonly T[],
  full: (row: T) => JsonObject,
  condensed: (row: T) => JsonObject,
): Entity<T> => ({
  schemaPath,
  rows: () => rows,
  full,
  condensed,
  find: (id) => rows.find((row) => row.id === id),
});

/** Things whose full JSON is all that there is. */
const plain = (schemaPath: string, rows: readonly JsonObject[]): Entity<JsonObject> => ({
  schemaPath,
  rows: () => rows,
  full: (row) => row,
  condensed: ({ id, name, prefix, description, hostName }) => ({
    id: id ?? null,
    ...(name === undefined ? {} : { name }),
    ...(prefix === undefined ? {} : { prefix, description: description ?? '' }),
    ...(hostName === undefined ? {} : { hostName }),
    privileges: null,
  }),
  find: (id) => rows.find((row) => row['id'] === id),
});

/** The objects of so many apps are kept while rows are read and written. */
const KEPT_APPS = 64;

/**
 * Rows of objects know their app and place only; the object is made when it is looked at. A large site has more than a
 * hundred thousand, which would take hundreds of megabytes.
 */
class ObjectRow implements ObjectOfApp {
  readonly #ofApp: (appId: string) => readonly AppObject[];
  readonly app: App;
  readonly #place: number;

  constructor(ofApp: (appId: string) => readonly AppObject[], app: App, place: number) {
    this.#ofApp = ofApp;
    this.app = app;
    this.#place = place;
  }

  get object(): AppObject {
    const found = this.#ofApp(this.app.id)[this.#place];
    if (found === undefined) throw new RangeError(`app ${this.app.id} has no object ${this.#place}`);
    return found;
  }
}

const objects = (site: Site, directory: Directory): Entity<ObjectOfApp> => {
  const kept = new Map<string, readonly AppObject[]>();
  const ofApp = (appId: string): readonly AppObject[] => {
    const known = kept.get(appId);
    if (known !== undefined) return known;
    const made = site.objects(appId);
    kept.set(appId, made);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size > KEPT_APPS) kept.delete(oldest);
    return made;
  };
  return {
    schemaPath: 'App.Object',
    *rows(filter) {
      const wanted = requiredValues(filter, 'app.id');
      const apps = wanted === null ? site.apps : [...wanted].flatMap((id) => site.app(id) ?? []);
      for (const app of apps) for (const place of ofApp(app.id).keys()) yield new ObjectRow(ofApp, app, place);
    },
    full: (row) => objectFull(directory, row),
    condensed: (row) => objectCondensed(directory, row),
    find: null,
  };
};

const tasks = (site: Site, directory: Directory, schemaPath: string): Entity<ReloadTask> =>
  listed(
    schemaPath,
    site.reloadTasks,
    (task) => taskFull(site, directory, task),
    (task) => taskCondensed(site, directory, task),
  );

/** Lists that exist on every site and are empty on this one. */
const EMPTY: Readonly<Record<string, string>> = {
  externalprogramtask: 'ExternalProgramTask',
  usersynctask: 'UserSyncTask',
  sharedcontent: 'SharedContent',
  odagrequest: 'OdagRequest',
  odagservice: 'OdagService',
  custombannermessage: 'CustomBannerMessage',
  enginehealth: 'EngineHealth',
  contentlibrary: 'ContentLibrary',
  executionsession: 'ExecutionSession',
  'executionresult/detail': 'ExecutionResult.Detail',
  analyticconnection: 'AnalyticConnection',
  'license/useraccesstype': 'License.UserAccessType',
  'license/loginaccesstype': 'License.LoginAccessType',
  'license/analyzertimeaccesstype': 'License.AnalyzerTimeAccessType',
  'license/useraccessusage': 'License.UserAccessUsage',
  'license/loginaccessusage': 'License.LoginAccessUsage',
  'license/analyzertimeaccessusage': 'License.AnalyzerTimeAccessUsage',
};

/** The paths below `/qrs/` under which entities are listed, lower case. */
export const ENTITY_PATHS = [
  'app',
  'app/object',
  'stream',
  'user',
  'tag',
  'custompropertydefinition',
  'dataconnection',
  'reloadtask',
  'task',
  'executionresult',
  'extension',
  'schemaevent',
  'compositeevent',
  'servicecluster',
  'virtualproxyconfig',
  'servernodeconfiguration',
  'engineservice',
  'proxyservice',
  'schedulerservice',
  'userdirectory',
  'repositoryservice',
  'printingservice',
  'servicestatus',
  'systemrule',
  'license/professionalaccesstype',
  'license/analyzeraccesstype',
  ...Object.keys(EMPTY),
] as const;

/** The entity that lies under a path (`app`, `app/object`, …), or undefined. */
export const entityAt = (
  site: Site,
  directory: Directory,
  proxies: readonly VirtualProxy[],
  path: string,
): Entity | undefined => {
  const empty = EMPTY[path];
  if (empty !== undefined) return plain(empty, []);
  switch (path) {
    case 'app':
      return {
        ...listed(
          'App',
          site.apps,
          (app) => appFull(directory, app),
          (app) => appCondensed(directory, app),
        ),
        find: (id) => site.app(id),
      };
    case 'app/object':
      return objects(site, directory);
    case 'stream':
      return listed(
        'Stream',
        site.streams,
        (row) => streamFull(directory, row),
        (row) => named(directory, row),
      );
    case 'user':
      return listed(
        'User',
        site.users,
        (row) => userFull(directory, row),
        (row) => userCondensed(directory, row),
      );
    case 'tag':
      return listed(
        'Tag',
        site.tags,
        (row) => tagFull(directory, row),
        (row) => named(directory, row),
      );
    case 'custompropertydefinition':
      return listed(
        'CustomPropertyDefinition',
        site.customPropertyDefinitions,
        (row) => definitionFull(directory, row),
        (row) => definitionCondensed(directory, row),
      );
    case 'dataconnection':
      return listed(
        'DataConnection',
        site.dataConnections,
        (row) => connectionFull(directory, row),
        (row) => connectionCondensed(directory, row),
      );
    case 'extension':
      return listed(
        'Extension',
        site.extensions,
        (row) => extensionFull(directory, row),
        (row) => named(directory, row),
      );
    case 'reloadtask':
      return tasks(site, directory, 'ReloadTask');
    case 'task':
      return tasks(site, directory, 'Task');
    case 'executionresult': {
      const run = (task: ReloadTask): JsonObject => executionFull(site, task);
      const ran = site.reloadTasks.filter((task) => task.lastStart !== null);
      return {
        ...listed('ExecutionResult', ran, run, (task) => executionCondensed(site, task)),
        find: (id) => ran.find((task) => executionIdOf(task) === id),
      };
    }
    case 'schemaevent':
      return plain('SchemaEvent', schedulesOf(site, directory));
    case 'compositeevent':
      return plain('CompositeEvent', compositesOf(site, directory));
    case 'servicecluster':
      return plain('ServiceCluster', [clusterOf(site)]);
    case 'virtualproxyconfig':
      return plain(
        'VirtualProxyConfig',
        proxies.map((proxy, index) => virtualProxyOf(site, proxy, index)),
      );
    case 'servernodeconfiguration':
      return plain('ServerNodeConfiguration', [nodeOf(site)]);
    case 'engineservice':
      return plain('EngineService', [serviceOf(site, 'EngineService', 'e0e0e0e0')]);
    case 'proxyservice':
      return plain('ProxyService', [serviceOf(site, 'ProxyService', 'e1e1e1e0')]);
    case 'repositoryservice':
      return plain('RepositoryService', [serviceOf(site, 'RepositoryService', 'e3e3e3e0')]);
    case 'printingservice':
      return plain('PrintingService', [serviceOf(site, 'PrintingService', 'e4e4e4e0')]);
    case 'servicestatus':
      return plain('ServiceStatus', statusesOf(site));
    case 'systemrule':
      return plain('SystemRule', rulesOf(site));
    case 'license/professionalaccesstype':
      return plain('License.ProfessionalAccessType', allocationsOf(site, directory, 'ProfessionalAccessType'));
    case 'license/analyzeraccesstype':
      return plain('License.AnalyzerAccessType', allocationsOf(site, directory, 'AnalyzerAccessType'));
    case 'schedulerservice':
      return plain('SchedulerService', [serviceOf(site, 'SchedulerService', 'e2e2e2e0')]);
    case 'userdirectory':
      return plain(
        'UserDirectory',
        [...new Set(site.users.map((user) => user.userDirectory))].map((name, index) => ({
          id: site.nodeId.replace(/^.{8}/, `d0d0d0${index.toString(16).padStart(2, '0')}`),
          name,
          userDirectoryName: name,
          configured: true,
          operational: true,
          type: 'Repository.UserDirectoryConnectors.ActiveDirectory',
          syncOnlyLoggedInUsers: true,
          tags: [],
          privileges: null,
          schemaPath: 'UserDirectory',
        })),
      );
    default:
      return undefined;
  }
};
