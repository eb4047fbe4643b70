/** How a database names its tables, by the naming rules of OpenLineage where these say something. */
export interface DatabaseSystem {
  /** Of the namespace: `postgres` in `postgres://host:5432`. */
  readonly scheme: string;
  /** Undefined: the port is no part of the name. */
  readonly port: number | undefined;
  /** `3`: database.schema.table; `2`: database.table. */
  readonly levels: 2 | 3;
  /**
   * What becomes of the case of a name: databases that keep unquoted names in one case say so, and all others keep names
   * as they were written. Quotes are not to be seen any more when a name comes here; and most who quote a name in capitals
   * of such a database write it as the database would.
   */
  readonly fold: 'lower' | 'upper' | 'keep';
  /** Schema of a table that is named without one. */
  readonly schema: string | undefined;
}

const system = (
  scheme: string,
  port: number | undefined,
  levels: 2 | 3,
  fold: DatabaseSystem['fold'],
  schema?: string,
): DatabaseSystem => ({ scheme, port, levels, fold, schema });

/** By words of driver, provider and type; the first that fits: products are called by the names of those they are made of. */
const SYSTEMS: readonly (readonly [RegExp, DatabaseSystem])[] = [
  [/redshift/, system('redshift', 5439, 3, 'lower', 'public')],
  [/cockroach/, system('postgres', 26_257, 3, 'lower', 'public')],
  [/postgres|psqlodbc|pgoledb|greenplum|enterprisedb|alloydb/, system('postgres', 5432, 3, 'lower', 'public')],
  [/snowflake/, system('snowflake', undefined, 3, 'upper', 'PUBLIC')],
  [/big ?_?query/, system('bigquery', undefined, 3, 'keep')],
  [/databricks/, system('databricks', undefined, 3, 'lower', 'default')],
  [/athena/, system('awsathena', undefined, 3, 'lower')],
  [/oracle|oraoledb|msdaora/, system('oracle', 1521, 3, 'upper')],
  [/maria|mysql/, system('mysql', 3306, 2, 'keep')],
  [/teradata|tdata/, system('teradata', 1025, 2, 'keep')],
  [/hana|hdbodbc/, system('hana', 30_015, 3, 'upper')],
  [/db2|ibmda400|ibmdasql|as\/?400|iseries|ibm ?i\b/, system('db2', 50_000, 3, 'upper')],
  [/sybase|adaptive server|\bsap ?ase\b/, system('sybase', 5000, 3, 'keep', 'dbo')],
  [/trino|starburst/, system('trino', 8080, 3, 'lower')],
  [/presto/, system('presto', 8080, 3, 'lower')],
  [/impala/, system('impala', 21_050, 2, 'lower')],
  [/hive/, system('hive', 10_000, 2, 'lower')],
  [/spark/, system('spark', 10_000, 2, 'lower')],
  [/vertica/, system('vertica', 5433, 3, 'keep', 'public')],
  [/click ?house/, system('clickhouse', 8123, 2, 'keep')],
  [/netezza/, system('netezza', 5480, 3, 'upper')],
  [/exasol/, system('exasol', 8563, 2, 'upper')],
  [/informix/, system('informix', 1526, 3, 'lower')],
  [/firebird|interbase/, system('firebird', 3050, 2, 'upper')],
  [/mongo/, system('mongodb', 27_017, 2, 'keep')],
  [/cassandra/, system('cassandra', 9042, 2, 'lower')],
  [/cosmos/, system('azurecosmos', undefined, 2, 'keep')],
  [/kusto|data explorer/, system('azurekusto', undefined, 2, 'keep')],
  [
    /sqloledb|sqlncli|msoledbsql|mssql|sql ?server|sqlsrv|native client|synapse|azure ?_?sql|freetds|microsoft fabric/,
    system('sqlserver', 1433, 3, 'keep', 'dbo'),
  ],
];

/** The database that these words of a data connection speak of; undefined when they do not tell. */
export const databaseSystem = (...words: readonly (string | undefined)[]): DatabaseSystem | undefined => {
  for (const word of words) {
    const text = word?.toLowerCase() ?? '';
    const found = text === '' ? undefined : SYSTEMS.find(([pattern]) => pattern.test(text));
    if (found !== undefined) return found[1];
  }
  return undefined;
};

/** A name in the case that the database keeps it in. */
export const folded = (name: string, fold: DatabaseSystem['fold']): string =>
  fold === 'keep' ? name : fold === 'lower' ? name.toLowerCase() : name.toUpperCase();
