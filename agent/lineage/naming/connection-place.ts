import { type DatabaseSystem, databaseSystem } from '../databases.ts';

/** Where a data connection of the site leads, as its reader found it out: no secret is among it. */
export interface ConnectionPlace {
  readonly id: string;
  readonly name: string;
  /** The repository's word: `folder`, `OLEDB`, `QvOdbcConnectorPackage.exe`, … */
  readonly type: string;
  readonly target: {
    readonly kind: string;
    readonly provider?: string | undefined;
    readonly driver?: string | undefined;
    readonly dsn?: string | undefined;
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly instance?: string | undefined;
    readonly database?: string | undefined;
    readonly schema?: string | undefined;
    readonly path?: string | undefined;
    readonly address?: string | undefined;
  };
}

/** A database as it is named everywhere. */
export interface DatabasePlace {
  /** `postgres://host:5432`, `bigquery`. */
  readonly namespace: string;
  readonly system: DatabaseSystem;
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

/** Of the machine that says it: for a data connection that is the Qlik server. */
const HERE = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\.|\(local\)|\(localdb\).*)$/i;

/** The host as others know it. */
export const hostAsSeen = (host: string, serverHost: string): string =>
  (HERE.test(host) ? serverHost : host).toLowerCase().replace(/\.$/, '');

/**
 * The database that a data connection leads to; undefined when that cannot be told. `serverHost`: of the Qlik server, for a
 * database on the same machine.
 */
export const databasePlace = (
  { target, type }: Pick<ConnectionPlace, 'target' | 'type'>,
  serverHost: string,
): DatabasePlace | undefined => {
  const system = databaseSystem(target.driver, target.provider, type);
  if (system === undefined) return undefined;
  const namespace = namespaceOf(system, target, serverHost);
  return namespace === undefined
    ? undefined
    : { namespace, system, database: target.database, schema: target.schema ?? undefined };
};

const namespaceOf = (
  { scheme, port: usual }: DatabaseSystem,
  target: ConnectionPlace['target'],
  serverHost: string,
): string | undefined => {
  // A project is named with each of its tables, wherever one asks.
  if (scheme === 'bigquery') return 'bigquery';
  if (target.host === undefined || target.host === '') return undefined;
  const host = hostAsSeen(target.host, serverHost);
  if (scheme === 'snowflake') return `snowflake://${host.replace(/(?:\.privatelink)?\.snowflakecomputing\..*$/, '')}`;
  if (usual === undefined) return `${scheme}://${host}`;
  const port = target.port ?? usual;
  if (scheme === 'redshift') return `redshift://${clusterOf(host)}:${port}`;
  // Whoever names an instance and no port is told the port by the server, and nobody else is.
  if (target.instance !== undefined && target.port === undefined) return `${scheme}://${host}/${target.instance}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
};

/** `cluster.region` of an address of Amazon's; any other host as it is. */
const clusterOf = (host: string): string => {
  const [, cluster, region] =
    /^([^.]+)\.[^.]+\.([^.]+)\.redshift(?:-serverless)?\.amazonaws\.com(?:\.cn)?$/.exec(host) ?? [];
  return cluster === undefined || region === undefined ? host : `${cluster}.${region}`;
};
