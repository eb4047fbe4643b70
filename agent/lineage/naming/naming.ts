import { beneath, type ServerPath, serverPath } from '#config/connection/server-path.ts';
import { redactText } from '#config/redaction/rules.ts';
import { assetKey, keyPart } from '#protocol/keys.ts';
import { folded } from '../databases.ts';
import { boundedKey, columnOf, fileDataset } from '../dataset-names.ts';
import { wholePath } from '../file-place.ts';
import type { FilePlace, FileSource, Source } from '../result.ts';
import { sourceName } from '../result-json.ts';
import { type ConnectionPlace, type DatabasePlace, databasePlace } from './connection-place.ts';
import { objectName } from './object-name.ts';
import { PLAIN_MAPPING, type PlaceMapping } from './place-mapping.ts';
import type { SiteApps } from './site-apps.ts';

/** A source as the catalog knows it. */
export interface NamedDataset {
  /** `own`: of the app alone, since nobody can say where it is; `app`: another app of the site, read by BINARY. */
  readonly kind: 'file' | 'table' | 'web' | 'own' | 'app';
  readonly key: string;
  readonly name: string;
  /** Several places at once, or one that is not wholly known: `*` stands for what may differ. Undefined for one place. */
  readonly pattern: string | undefined;
  /** Why it is no surer: `hole`, `lib-unknown`, `no-connection`, `connection-unknown`, `schema-assumed`, `mapping`, … */
  readonly reasons: readonly string[];
  /** The name in the customer's other catalogs, if the mapping file tells one. */
  readonly otherName: string | undefined;
  /** By BINARY: the apps of the site that it is, or may be; several of one name. */
  readonly apps?: { readonly by: 'id' | 'name'; readonly keys: readonly string[] };
  /** By BINARY: too many apps have this name. */
  readonly isAmbiguous?: true;
  /** The key of one of its columns. */
  column(name: string): string;
}

/** What naming needs to know of a site. */
export interface NamingSite {
  /** First part of the keys of the site. */
  readonly code: string;
  /** Host of the Qlik server: what is called local in a script lies there. */
  readonly host: string;
  readonly connections: readonly ConnectionPlace[];
  /** For BINARY. */
  readonly apps?: SiteApps | undefined;
  /** Folders `lib://…` of which the files are known by this name alone, in lower case. */
  readonly libraries?: ReadonlySet<string> | undefined;
  readonly mapping?: PlaceMapping | undefined;
}

export interface NamingApp {
  readonly appId: string;
}

const HOLE = /\$\([^()]*(?:\([^()]*\)[^()]*)*\)/g;
const WEB = /^(?:https?|ftps?|sftp|s3a?|gs|abfss?|wasbs?|hdfs|dbfs):\/\//i;
/** Sheets of workbooks are called without regard to case. */
const CASELESS_TABLES = new Set(['ooxml', 'biff']);

/**
 * Names what scripts read and write, by the naming rules of OpenLineage: the same key for one file or table, from whichever
 * app and by whichever data connection, and never one key for two of which nobody knows whether they are one.
 */
export class Naming {
  readonly #site: NamingSite;
  readonly #connections: ReadonlyMap<string, ConnectionPlace>;
  readonly #mapping: PlaceMapping;

  constructor(site: NamingSite) {
    this.#site = site;
    this.#connections = new Map(site.connections.map((connection) => [connection.name.toLowerCase(), connection]));
    this.#mapping = site.mapping ?? PLAIN_MAPPING;
  }

  /** The data connection of that name; its case does not matter. */
  connection(name: string): ConnectionPlace | undefined {
    return this.#connections.get(name.toLowerCase());
  }

  /** The database behind a data connection, as the mapping file or else its connection string has it. */
  database(name: string): DatabasePlace | undefined {
    const mapped = this.#mapping.database(name);
    if (mapped !== undefined) return mapped;
    const connection = this.connection(name);
    return connection === undefined ? undefined : databasePlace(connection, this.#site.host);
  }

  /** The dataset that a source is; two with different holes are two. */
  of(source: Source, app: NamingApp): NamedDataset {
    switch (source.type) {
      case 'file':
        return this.#file(source, app);
      case 'object':
        return this.#object(source, app);
      case 'binary':
        return this.#binary(source, app);
      default:
        return this.#own(source, app, []);
    }
  }

  /**
   * A dataset as a person writes it: `lib://…` or another path, or the name that OpenLineage has for a table. What follows
   * the file in a path is a table in it, as in `lib://Excel/plan.xlsx/Sheet1`.
   */
  written(text: string): NamedDataset {
    const { key } = this.#path(text);
    if (key !== undefined) return named(WEB.test(key) ? 'web' : 'file', key, lastName(text), { reasons: ['mapping'] });
    const [, namespace = '', name = ''] =
      /^([a-z][a-z0-9+.-]*:\/\/[^/]+(?:\/[^/.]+(?=\/))?|[a-z]+)\/(.+)$/is.exec(text) ?? [];
    return named('table', text, name === '' ? text : name, {
      reasons: ['mapping'],
      otherName: this.#mapping.otherName(namespace, name),
    });
  }

  #file(source: FileSource, app: NamingApp): NamedDataset {
    const path = wholePath(source);
    if (hasHole(path) || hasHole(source.table ?? '')) return this.#withHole(source, app);
    const place = this.#path(path);
    return place.key === undefined ? this.#own(source, app, place.reasons) : this.#within(place.key, place, source);
  }

  /** A file, or the table in it that is meant. */
  #within(
    file: string,
    { caseless, reasons }: Pick<Placed, 'caseless' | 'reasons'>,
    { path, table, format }: FileSource,
  ): NamedDataset {
    const inner =
      table === undefined || !CASELESS_TABLES.has(format.toLowerCase()) || !caseless ? table : table.toLowerCase();
    const key = inner === undefined ? file : boundedKey(`${file}/${safePart(inner)}`);
    const name = lastName(path);
    return named(WEB.test(file) ? 'web' : 'file', key, table === undefined ? name : `${name} ${table}`, {
      reasons,
      pattern: /[*?]/.test(path) ? key : undefined,
    });
  }

  /** Where a path leads, with no holes in it. */
  #path(written: string): Placed {
    const path = this.#mapping.path(written.trim());
    const reasons = path === written.trim() ? [] : ['mapping'];
    if (WEB.test(path)) return { key: webKey(path), caseless: false, reasons: [...reasons, ...queryOf(path)] };
    const whole = serverPath(path);
    if (whole === undefined) return { key: undefined, caseless: false, reasons: [...reasons, 'relative-path'] };
    if (!whole.root.startsWith('lib://')) return { key: this.#fileKey(whole), caseless: whole.ignoresCase, reasons };
    return this.#library(whole, reasons);
  }

  #library(whole: ServerPath, reasons: readonly string[]): Placed {
    const name = whole.root.slice('lib://'.length);
    const { target } = this.connection(name) ?? {};
    if (target?.address !== undefined) {
      const below = whole.names.map((part) => `/${encodeURI(part)}`).join('');
      return { key: webKey(`${target.address.replace(/(?<!\/)\/+$/, '')}${below}`), caseless: false, reasons };
    }
    const folder = target?.kind === 'folder' ? serverPath(this.#mapping.path(target.path ?? '')) : undefined;
    const found = folder === undefined ? undefined : beneath(folder, whole.names);
    const key = found === undefined ? undefined : this.#fileKey(found);
    if (found !== undefined && key !== undefined) return { key, caseless: found.ignoresCase, reasons };
    const root = whole.root.toLowerCase();
    // What the agent reads there has been given this name, too.
    if (this.#site.libraries?.has(root) === true) {
      const text = redactText([root, ...whole.names.map((part) => part.toLowerCase())].join('/'));
      return {
        key: `${this.#site.code}/${assetKey('dataset', text)}`,
        caseless: true,
        reasons: [...reasons, 'lib-unknown'],
      };
    }
    return { key: undefined, caseless: true, reasons: [...reasons, 'lib-unknown'] };
  }

  #fileKey(path: ServerPath): string | undefined {
    return fileDataset(path, this.#site.host.toLowerCase());
  }

  #object(source: Extract<Source, { type: 'object' }>, app: NamingApp): NamedDataset {
    const { connection: name, object } = source;
    if (name === '') return this.#own(source, app, ['no-connection']);
    if (hasHole(object) || hasHole(name)) return this.#own(source, app, ['hole']);
    const database = this.database(name);
    const connection = this.connection(name);
    if (database !== undefined) {
      const { name: full, reasons } = objectName(object, database);
      const { fold } = database.system;
      return named('table', boundedKey(`${database.namespace}/${safePart(full)}`), full, {
        reasons: this.#mapping.database(name) === undefined ? reasons : [...reasons, 'mapping'],
        otherName: this.#mapping.otherName(database.namespace, full),
        column: (column) => folded(column, fold),
      });
    }
    if (connection === undefined) return this.#own(source, app, ['connection-unknown']);
    const { target, id } = connection;
    if (target.address !== undefined) {
      const place = webKey(target.address);
      if (place !== undefined)
        return named('web', boundedKey(`${place.replace(/\/+$/, '')}/${safePart(object)}`), object, {
          reasons: ['connector'],
        });
    }
    // An Access or Excel file behind ODBC.
    const file = target.path === undefined ? undefined : serverPath(this.#mapping.path(target.path));
    const key = file === undefined ? undefined : this.#fileKey(file);
    if (key !== undefined) return named('table', boundedKey(`${key}/${safePart(object)}`), object);
    // A source that is defined on the Qlik server is known by its name there, and nowhere else.
    if (target.dsn !== undefined) {
      const server = this.#site.host.toLowerCase();
      return named(
        'table',
        boundedKey(`odbc://${server}/${assetKey(target.dsn.toLowerCase(), redactText(object))}`),
        object,
        {
          reasons: ['dsn'],
        },
      );
    }
    return named('table', boundedKey(`${this.#site.code}/${assetKey('dataset', id, redactText(object))}`), object, {
      reasons: ['place-unknown'],
    });
  }

  #binary(source: Extract<Source, { type: 'binary' }>, app: NamingApp): NamedDataset {
    if (hasHole(source.path)) return this.#withHole(source, app);
    const meant = this.#site.apps?.meantBy(source.path, app.appId);
    const apps = meant?.apps.map(({ id, name }) => ({ key: `${this.#site.code}/${assetKey(id)}`, name })) ?? [];
    const { key, reasons } = this.#path(source.path);
    const [first] = apps;
    // A file that is called like an app may be a copy of it, or another one of that name.
    const file =
      meant?.by === 'id' || key === undefined ? undefined : named('file', key, lastName(source.path), { reasons });
    if (first === undefined || meant === undefined)
      return {
        ...(file ?? this.#own(source, app, reasons)),
        ...(meant?.isAmbiguous === true ? { isAmbiguous: true } : {}),
      };
    const whole = file ?? named('app', first.key, first.name);
    return { ...whole, apps: { by: meant.by, keys: apps.map((one) => one.key) } };
  }

  /** Of the app alone, with the places that it may be if enough of them is known. */
  #withHole(source: Extract<Source, { type: 'file' | 'binary' }>, app: NamingApp): NamedDataset {
    const own = this.#own(source, app, ['hole']);
    const path = wholePath(source).replace(HOLE, '*');
    const literal = lastName(path)
      .replace(/\.\w+$/, '')
      .replaceAll('*', '');
    if (literal.length < LEAST_TELLING) return own;
    const { key } = this.#path(path);
    const table = source.type === 'file' ? source.table : undefined;
    const pattern =
      key ?? (/^\s*\$\(/.test(source.path) ? source.path.trim().replace(HOLE, '*').replaceAll('\\', '/') : undefined);
    return pattern === undefined || table !== undefined ? own : { ...own, pattern };
  }

  #own(source: Source, { appId }: NamingApp, reasons: readonly string[]): NamedDataset {
    const text = sourceName(source);
    const { holes = [] } = source as Partial<FilePlace>;
    // The same text with another value of the variable is another place, and so is one below another folder.
    const versions = holes.length === 0 ? '' : ` {${[...holes].sort().join(', ')}}`;
    const whole = source.type === 'file' ? sourceName({ ...source, path: wholePath(source) }) : text;
    const key = boundedKey(`${this.#site.code}/${assetKey(appId, 'source', redactText(`${whole}${versions}`))}`);
    return named('own', key, text, { reasons });
  }
}

/** What is certain of a file's name has to be as long at least: less is found everywhere. */
const LEAST_TELLING = 4;

interface Placed {
  readonly key: string | undefined;
  readonly caseless: boolean;
  readonly reasons: readonly string[];
}

const named = (
  kind: NamedDataset['kind'],
  key: string,
  name: string,
  more: {
    readonly reasons?: readonly string[];
    readonly pattern?: string | undefined;
    readonly otherName?: string | undefined;
    readonly column?: (name: string) => string;
  } = {},
): NamedDataset => ({
  kind,
  key,
  name,
  reasons: more.reasons ?? [],
  pattern: more.pattern,
  otherName: more.otherName,
  column: (column) => columnOf(key, more.column?.(column) ?? column),
});

/** Keys are kept as they are when they leave, and scripts write passwords and tokens into paths: none gets into a key. */
const safePart = (text: string): string => keyPart(redactText(text));

const hasHole = (text: string): boolean => text.includes('$(');

const lastName = (path: string): string =>
  path
    .split(/[\\/]/)
    .filter((part) => part !== '')
    .at(-1) ?? path;

/** An address without user, password, query and fragment; one of S3 and its kind is bucket and key alone. */
const webKey = (text: string): string | undefined => {
  let url: URL;
  try {
    url = new URL(text.replace(/^s3a:/i, 's3:'));
  } catch {
    return undefined;
  }
  // The container stands before the @, as OpenLineage has it.
  const container = /^(?:abfss?|wasbs?):$/.test(url.protocol) && url.username !== '' ? `${url.username}@` : '';
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  return boundedKey(`${url.protocol}//${[`${container}${url.host}`, ...parts.map(safePart)].join('/')}`);
};

const queryOf = (text: string): readonly string[] => (text.includes('?') ? ['query-left-out'] : []);

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
