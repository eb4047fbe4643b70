import { namesBelow, serverPath } from '#config/connection/server-path.ts';
import type { AppNamed, LineageMapping, MappedEdge } from '#config/lineage-mapping/lineage-mapping.ts';
import { type DatabaseSystem, databaseSystem } from '../databases.ts';
import type { DatabasePlace } from '../naming/connection-place.ts';
import type { PlaceMapping } from '../naming/place-mapping.ts';
import type { Surroundings } from '../result.ts';

/** Of a kind of database that nobody knows the rules of. */
const UNKNOWN: Omit<DatabaseSystem, 'scheme'> = { port: undefined, levels: 3, fold: 'keep', schema: undefined };

/** What an administrator said of a site, for naming and for the interpreter. */
export class AdministratorsMapping implements PlaceMapping {
  readonly #mapping: LineageMapping;
  readonly #databases: ReadonlyMap<string, DatabasePlace>;

  constructor(mapping: LineageMapping) {
    this.#mapping = mapping;
    this.#databases = new Map(
      mapping.databases.map(({ connection, namespace, database, schema }) => {
        const scheme = namespace.split(':')[0]?.toLowerCase() ?? '';
        const system = { ...(databaseSystem(scheme) ?? UNKNOWN), scheme };
        return [connection.toLowerCase(), { namespace: namespace.toLowerCase(), system, database, schema }];
      }),
    );
  }

  /** Another text for another content of the file. */
  get digest(): string {
    return this.#mapping.digest;
  }

  /** The folder that reaches furthest wins; what stands behind it stays. */
  path(path: string): string {
    const asked = serverPath(path);
    if (asked === undefined) return path;
    let best: { readonly below: readonly string[]; readonly to: string } | undefined;
    for (const { from, to } of this.#mapping.paths) {
      const below = namesBelow(from, asked);
      if (below !== undefined && (best === undefined || below.length < best.below.length)) best = { below, to };
    }
    return best === undefined ? path : [best.to.replace(/[\\/]+$/, ''), ...best.below].join('/');
  }

  database(connection: string): DatabasePlace | undefined {
    return this.#databases.get(connection.toLowerCase());
  }

  /** The longest place wins. */
  otherName(namespace: string, name: string): string | undefined {
    const key = `${namespace}/${name}`.toLowerCase();
    let best: { readonly place: string; readonly service: string } | undefined;
    for (const { place, service } of this.#mapping.services) {
      const begins = place.replace(/\/+$/, '').toLowerCase();
      const rest = key.slice(begins.length);
      if (key.startsWith(begins) && /^(?:[./]|$)/.test(rest) && begins.length > (best?.place.length ?? 0))
        best = { place: begins, service };
    }
    if (best === undefined) return undefined;
    const rest = `${namespace}/${name}`.slice(best.place.length).replace(/^[./]/, '');
    return rest === '' ? best.service : `${best.service}.${rest}`;
  }

  /** Values of variables in an app; what is said of the app wins over what is said of all. */
  variables(app: AppNamed): NonNullable<Surroundings['variables']> {
    const general = this.#mapping.variables.filter(({ isIn }) => isIn === undefined);
    const own = this.#mapping.variables.filter(({ isIn }) => isIn?.(app) === true);
    return new Map([...general, ...own].map(({ name, value }) => [name, { value, from: 'mapping' as const }]));
  }

  /** Edges from fields of an app. */
  *edgesOf(app: AppNamed): Generator<MappedEdge & { readonly of: { readonly type: 'field' } }> {
    for (const edge of this.#mapping.edges) if (isOfField(edge) && edge.of.isOf(app)) yield edge;
  }

  /** Lines of edges whose app is none of these. */
  linesWithoutApp(apps: readonly AppNamed[]): readonly number[] {
    return this.#mapping.edges.flatMap((edge) =>
      isOfField(edge) && !apps.some((app) => edge.of.isOf(app)) ? [edge.line] : [],
    );
  }

  /** Edges between datasets, which belong to no app. */
  *edgesOfDatasets(): Generator<MappedEdge & { readonly of: { readonly type: 'dataset' } }> {
    for (const edge of this.#mapping.edges) if (isOfDataset(edge)) yield edge;
  }
}

const isOfField = (edge: MappedEdge): edge is MappedEdge & { readonly of: { readonly type: 'field' } } =>
  edge.of.type === 'field';
const isOfDataset = (edge: MappedEdge): edge is MappedEdge & { readonly of: { readonly type: 'dataset' } } =>
  edge.of.type === 'dataset';
