import type { App, Extension, Site, UserName } from '../model/types.ts';
import type { Profile } from '../profiles.ts';
import {
  emptyAnswer,
  type Json,
  type JsonObject,
  jsonAnswer,
  listAnswer,
  type QrsAnswer,
  Refusal,
  textAnswer,
} from './answer.ts';
import { changesSince, type Deletion } from './changes.ts';
import { choose, ordered } from './choose.ts';
import { describe } from './description.ts';
import { directoryOf } from './directory.ts';
import { ENTITY_PATHS, type Entity, entityAt } from './entities.ts';
import { type Filter, parseFilter, pathsOf } from './filter.ts';
import { about, nodeOf, type VirtualProxy } from './installation.ts';
import { keepOrder, keptOrder } from './kept-order.ts';
import { accessTypes, licenceOf } from './licences.ts';
import { type SelectedItem, Selections, selectionJson } from './selections.ts';
import { tableOf } from './table.ts';
import { executionIdOf, scriptLog } from './tasks.ts';
import { atOnce, inTurns, type Turns } from './turns.ts';

export interface QrsRequest {
  readonly method: string;
  /** With `/qrs` in front, without the virtual proxy's prefix and without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** Who asks, as certificates and `X-Qlik-User`, or the proxy, found out. */
  readonly user: UserName;
}

export interface QrsContext {
  readonly site: Site;
  readonly profile: Profile;
  /** Whether the asking user sees the app; without it everybody sees all. Objects and tasks go with their app. */
  readonly sees?: (app: App) => boolean;
  /** What `/qrs/virtualproxyconfig` lists. */
  readonly virtualProxies?: readonly VirtualProxy[];
  /** Kept from request to request; without it selections are forgotten at once. */
  readonly selections?: Selections;
  /** Every key against cross-site requests is refused. */
  readonly refusesXrfkey?: boolean;
  /** Lists that answer 403. */
  readonly forbidden?: readonly string[];
  /** Lists of which the asking user sees no row. */
  readonly empty?: readonly string[];
  /** Properties such as `tags.id` that filters may not ask for: HTTP 400. */
  readonly refusedFilters?: readonly string[];
  /** For `/qrs/notification/changes`. */
  readonly deletions?: readonly Deletion[];
}

/** Of a large site there are so many that their order is kept from page to page. */
const OBJECTS = 'App.Object';

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the request proves that no other site made the browser send it: the key is in the query and in a header. */
export const passesXrfCheck = ({ query, headers }: Pick<QrsRequest, 'query' | 'headers'>): boolean => {
  const header = headers['x-qlik-xrfkey'];
  const inQuery = [...query].find(([name]) => name.toLowerCase() === 'xrfkey')?.[1];
  return typeof header === 'string' && /^[0-9a-zA-Z]{16}$/.test(header) && inQuery === header;
};

/** A parameter by name, whatever its case. */
const parameter = (query: URLSearchParams, name: string): string | null =>
  [...query].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null;

const filterOf = (query: URLSearchParams, refused: readonly string[] = []): Filter | null => {
  const text = parameter(query, 'filter');
  const filter = text === null || text.trim() === '' ? null : parseFilter(text);
  for (const path of filter === null ? [] : pathsOf(filter))
    if (refused.includes(path)) throw new Refusal(400, `Cannot filter by ${path}`);
  return filter;
};

/** The site as a user sees it who does not see all apps. */
const seenBy = (site: Site, sees: (app: App) => boolean): Site => {
  const app = (appId: string): App | undefined => {
    const found = site.app(appId);
    return found !== undefined && sees(found) ? found : undefined;
  };
  return {
    ...site,
    get apps() {
      return site.apps.filter(sees);
    },
    get reloadTasks() {
      return site.reloadTasks.filter((task) => app(task.appId) !== undefined);
    },
    app,
    content: (appId) => site.content(appId),
    objects: (appId) => site.objects(appId),
  };
};

const WRITING: ReadonlySet<string> = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

class Call {
  readonly #request: QrsRequest;
  readonly #context: QrsContext;
  readonly #site: Site;

  constructor(request: QrsRequest, context: QrsContext) {
    this.#request = request;
    this.#context = context;
    this.#site = context.sees === undefined ? context.site : seenBy(context.site, context.sees);
  }

  #entity(path: string): Entity | undefined {
    const { site, virtualProxies = [], forbidden = [], empty = [] } = this.#context;
    if (forbidden.includes(path)) throw new Refusal(403, 'Forbidden');
    const entity = entityAt(this.#site, directoryOf(site), virtualProxies, path);
    return entity !== undefined && empty.includes(path) ? { ...entity, rows: () => [], find: null } : entity;
  }

  #filter(): Filter | null {
    return filterOf(this.#request.query, this.#context.refusedFilters);
  }

  /** What the asking user may do; null when the request did not ask for it. */
  #privileges(): Json {
    if (parameter(this.#request.query, 'privileges')?.toLowerCase() !== 'true') return null;
    const roles = directoryOf(this.#context.site).user(this.#request.user)?.roles ?? [];
    return roles.includes('RootAdmin')
      ? ['create', 'read', 'update', 'delete', 'export', 'publish', 'changeowner']
      : ['read'];
  }

  #one(json: JsonObject, rows = 1): QrsAnswer {
    return jsonAnswer({ ...json, privileges: this.#privileges() }, { rows });
  }

  *#list(entity: Entity, form: 'full' | 'condensed', only?: (row: unknown) => boolean): Turns<QrsAnswer> {
    const { query } = this.#request;
    const chosen = yield* choose(entity, this.#filter(), only);
    const rows = yield* ordered(entity, chosen, parameter(query, 'orderby'));
    const { fullCap } = this.#context.profile;
    const privileges = this.#privileges();
    return listAnswer(fullCap === null ? rows : rows.slice(0, fullCap), (row) =>
      privileges === null ? entity[form](row) : { ...entity[form](row), privileges },
    );
  }

  #count(count: number): QrsAnswer {
    return jsonAnswer(this.#context.profile.countShape === 'object' ? { value: count } : count, { rows: 1 });
  }

  #body(): unknown {
    try {
      return JSON.parse(this.#request.body);
    } catch {
      throw new Refusal(400, 'The body is not valid JSON');
    }
  }

  *#table(entity: Entity): Turns<QrsAnswer> {
    const { query } = this.#request;
    const lookup = { get: (name: string) => parameter(query, name) };
    const definition = this.#body();
    const filter = this.#filter();
    const full = (row: unknown): JsonObject => entity.full(row);
    if (entity.schemaPath !== OBJECTS || filter !== null || this.#context.empty?.includes('app/object') === true) {
      const chosen = yield* choose(entity, filter);
      const { table, count } = yield* tableOf(definition, lookup, chosen, full, entity.schemaPath);
      return jsonAnswer(table, { status: 201, rows: count });
    }
    const { site } = this.#context;
    const { apps } = this.#site;
    const { revision } = site;
    const order = JSON.stringify([lookup.get('sortColumn'), lookup.get('orderAscending'), definition]);
    const known = keptOrder(site, apps, order);
    const chosen = known ?? (yield* choose(entity, null));
    const made = yield* tableOf(definition, lookup, chosen, full, entity.schemaPath, known !== undefined);
    keepOrder(site, revision, apps, order, made.sorted);
    return jsonAnswer(made.table, { status: 201, rows: made.count });
  }

  *#selections(rest: readonly string[]): Turns<QrsAnswer> {
    const { method } = this.#request;
    const store = this.#context.selections ?? new Selections();
    if (method === 'POST') {
      const area = rest.join('/');
      const entity = area === '' ? undefined : this.#entity(area);
      if (area !== '' && entity === undefined) throw new Refusal(404, `No area ${area}`);
      const items: SelectedItem[] = entity === undefined ? itemsOf(this.#body()) : [];
      if (entity !== undefined) {
        for (const row of yield* choose(entity, this.#filter())) {
          yield;
          items.push({ type: entity.schemaPath, objectID: String(entity.full(row)['id']) });
        }
      }
      return jsonAnswer(selectionJson(store.create(items)), { status: 201, rows: items.length });
    }
    const [id = '', ...path] = rest;
    const selection = store.get(id.toLowerCase());
    if (selection === undefined) throw new Refusal(404, `No selection ${id}`);
    if (method === 'DELETE') {
      store.delete(selection.id);
      return emptyAnswer(204);
    }
    if (method !== 'GET') return notAllowed(['GET', 'POST', 'DELETE']);
    if (path.length === 0) return jsonAnswer(selectionJson(selection), { rows: 1 });
    const form = path.at(-1);
    const ending = form === 'full' || form === 'count' ? form : 'condensed';
    const area = (ending === 'condensed' ? path : path.slice(0, -1)).join('/');
    if (area === 'event') return jsonAnswer([]);
    const entity = this.#entity(area);
    if (entity === undefined) throw new Refusal(404, `No area ${area}`);
    const ids = new Set(selection.items.map((item) => item.objectID));
    const chosen = (row: unknown): boolean => ids.has(String(entity.full(row)['id']));
    if (ending === 'count') return this.#count((yield* choose(entity, null, chosen)).length);
    return yield* this.#list(entity, ending, chosen);
  }

  #task(id: string) {
    const task = this.#site.reloadTasks.find((candidate) => candidate.id === id);
    if (task === undefined) throw new Refusal(404, `No task ${id}`);
    return task;
  }

  /** Script logs: first a reference, then the download. The first step has changed with May 2025. */
  #scriptLog(segments: readonly string[]): QrsAnswer | undefined {
    const [first = '', second = '', third = ''] = segments;
    const step = this.#context.profile.scriptLogApi === 'new' ? 'scriptlogfile' : 'scriptlog';
    if (first === 'reloadtask' && GUID.test(second) && third === step) {
      const task = this.#task(second);
      if (task.lastStart === null) throw new Refusal(404, 'There is no script log');
      return jsonAnswer({ value: executionIdOf(task) }, { rows: 1 });
    }
    if (first !== 'download' || second !== 'reloadtask') return undefined;
    const task = this.#site.reloadTasks.find((candidate) => executionIdOf(candidate) === third);
    if (task === undefined) throw new Refusal(404, `No file ${third}`);
    return { ...textAnswer(200, scriptLog(this.#site, task)), rows: 1 };
  }

  /** What there is one of; undefined when the path is another. */
  #single(segments: readonly string[]): Json | undefined {
    switch (segments.join('/')) {
      case 'ssl/ping':
        return 'Ping successful';
      case 'license':
        return licenceOf(this.#site);
      case 'license/accesstypeoverview':
      case 'license/accesstypeinfo':
        return accessTypes(this.#site);
      case 'servernodeconfiguration/local':
        return nodeOf(this.#site);
      default:
        return undefined;
    }
  }

  *#ofEntity(entity: Entity, rest: readonly string[], path: string): Turns<QrsAnswer> {
    const { method } = this.#request;
    const [verb] = rest;
    if (verb !== 'table' && WRITING.has(method)) {
      // Tasks that are started, apps that are exported or published: administrators may, and nobody who crawls is one.
      return textAnswer(403, 'Forbidden');
    }
    if (rest.length > 1) throw new Refusal(404, 'Not found');
    if (verb === 'table') return method === 'POST' ? yield* this.#table(entity) : notAllowed(['POST']);
    if (verb !== undefined && verb !== 'count' && verb !== 'full' && verb !== 'schema' && !GUID.test(verb)) {
      throw new Refusal(404, `No ${path}/${verb}`);
    }
    if (method !== 'GET') return notAllowed(['GET']);
    if (verb === undefined) return yield* this.#list(entity, 'condensed');
    if (verb === 'full') return yield* this.#list(entity, 'full');
    if (verb === 'count') return this.#count((yield* choose(entity, this.#filter())).length);
    if (verb === 'schema') return jsonAnswer(schemaOf(entity), { rows: [...entity.rows(null)].length });
    const row = yield* rowOf(entity, verb);
    if (row === undefined) throw new Refusal(404, `No ${path} ${verb}`);
    return this.#one(entity.full(row));
  }

  *answer(): Turns<QrsAnswer> {
    const { method, path, query } = this.#request;
    const { profile } = this.#context;
    const [root, ...segments] = path.split('/').flatMap((part) => (part === '' ? [] : [decode(part).toLowerCase()]));
    if (root !== 'qrs') throw new Refusal(404, 'Not found');
    const [first = '', second = ''] = segments;
    if (first === 'about') {
      if (method !== 'GET') return notAllowed(['GET']);
      if (segments.length === 1) return jsonAnswer(about(profile), { rows: 1 });
      const described = describe(segments.slice(1), ENTITY_PATHS, profile);
      if (described === undefined) throw new Refusal(404, 'Not found');
      return jsonAnswer(described, { rows: 1 });
    }
    if (first === 'selection') return yield* this.#selections(segments.slice(1));
    if (first === 'notification') {
      if (second !== 'changes') return textAnswer(403, 'Forbidden');
      if (method !== 'GET') return notAllowed(['GET']);
      const changes = yield* changesSince(
        (name) => this.#entity(name),
        this.#context.deletions ?? [],
        parameter(query, 'since'),
        parameter(query, 'types'),
      );
      return listAnswer(changes, (change) => change);
    }
    const log = this.#scriptLog(segments);
    if (log !== undefined) return method === 'GET' ? log : notAllowed(['GET']);
    if (first === 'app' && second === 'hublist') {
      const apps = this.#entity('app');
      if (method !== 'GET') return notAllowed(['GET']);
      if (apps === undefined || segments.length > 3) throw new Refusal(404, 'Not found');
      return yield* this.#list(apps, segments[2] === 'full' ? 'full' : 'condensed');
    }
    const single = this.#single(segments);
    if (single !== undefined) return method === 'GET' ? jsonAnswer(single, { rows: 1 }) : notAllowed(['GET']);
    // Some lists lie below another one: app/object, license/analyzeraccesstype.
    const below = `${first}/${second}`;
    const wide = this.#entity(below) !== undefined;
    const name = wide ? below : first;
    const entity = this.#entity(name);
    if (entity === undefined) throw new Refusal(404, 'Not found');
    return yield* this.#ofEntity(entity, segments.slice(wide ? 2 : 1), name);
  }
}

/** The row of an id; lists that cannot look it up are read to the end. */
function* rowOf(entity: Entity, id: string): Turns<unknown> {
  if (entity.find !== null) return entity.find(id);
  for (const row of entity.rows(null)) {
    yield;
    if (entity.full(row)['id'] === id) return row;
  }
  return undefined;
}

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, 'The path is not well encoded');
  }
};

const notAllowed = (methods: readonly string[]): QrsAnswer => ({
  ...textAnswer(405, 'The requested resource does not support this http method.'),
  headers: { 'content-type': 'text/plain;charset=utf-8', allow: methods.join(', ') },
});

const itemsOf = (body: unknown): SelectedItem[] => {
  const items = typeof body === 'object' && body !== null && 'items' in body ? body.items : undefined;
  if (!Array.isArray(items)) throw new Refusal(400, 'A selection needs items');
  return items.map((item: { type?: unknown; objectID?: unknown }) => ({
    type: String(item.type),
    objectID: String(item.objectID),
  }));
};

/** What hubs ask to know which extensions there are: name → definition. */
const schemaOf = (entity: Entity): Json => {
  if (entity.schemaPath !== 'Extension') throw new Refusal(404, 'Not found');
  return Object.fromEntries(
    [...(entity as Entity<Extension>).rows(null)].map(({ name, definition }) => [
      name,
      { name, ...definition, icon: 'extension', preview: `${name}.png`, homepage: '', keywords: '', license: '' },
    ]),
  );
};

function* answering(request: QrsRequest, context: QrsContext): Turns<QrsAnswer> {
  if (context.refusesXrfkey === true || !passesXrfCheck(request))
    return textAnswer(400, 'XSRF prevention check failed. Possible XSRF discovered.');
  try {
    return yield* new Call({ ...request, method: request.method.toUpperCase() }, context).answer();
  } catch (error) {
    if (error instanceof Refusal) return textAnswer(error.status, error.message);
    throw error;
  }
}

/**
 * Answers one request to the repository. Pure but for selections: how the request came, how long the answer takes and who
 * writes it down is the caller's. Never throws for what a client sends; `rows` says how much was read.
 */
export const handleQrs = (request: QrsRequest, context: QrsContext): QrsAnswer => atOnce(answering(request, context));

/** The same, and others are served in between: what a running site does. */
export const handleQrsInTurns = (request: QrsRequest, context: QrsContext): Promise<QrsAnswer> =>
  inTurns(answering(request, context));
