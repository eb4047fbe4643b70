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

/** A kind of database, by the words of drivers, providers and types of data connections. */
interface Product {
  readonly words: RegExp;
  /** The language of its SELECTs; undefined: nothing is known of it. */
  readonly dialect: string | undefined;
  /** Undefined: nobody knows by which names others call its tables. */
  readonly system: DatabaseSystem | undefined;
}

const product = (words: RegExp, dialect?: string, system?: DatabaseSystem): Product => ({ words, dialect, system });

const system = (
  scheme: string,
  port: number | undefined,
  levels: 2 | 3,
  fold: DatabaseSystem['fold'],
  schema?: string,
): DatabaseSystem => ({ scheme, port, levels, fold, schema });

/** The first that fits counts: products are called by the names of those they are made of. */
const PRODUCTS: readonly Product[] = [
  product(/redshift/, 'redshift', system('redshift', 5439, 3, 'lower', 'public')),
  product(/snowflake/, 'snowflake', system('snowflake', undefined, 3, 'upper', 'PUBLIC')),
  product(/big ?_?query|googlebq/, 'bigquery', system('bigquery', undefined, 3, 'keep')),
  product(/databricks/, 'databricks', system('databricks', undefined, 3, 'lower', 'default')),
  product(/spark/, 'spark', system('spark', 10_000, 2, 'lower')),
  product(/athena/, 'athena', system('awsathena', undefined, 3, 'lower')),
  product(/trino|starburst/, 'trino', system('trino', 8080, 3, 'lower')),
  product(/presto/, 'presto', system('presto', 8080, 3, 'lower')),
  product(/teradata|tdata|tdoledb/, 'teradata', system('teradata', 1025, 2, 'keep')),
  product(/hana|hdbodbc/, 'hana', system('hana', 30_015, 3, 'upper')),
  product(/informix|ifxoledbc|iclit/, 'informix', system('informix', 1526, 3, 'lower')),
  product(/db2|ibmda|as\/?400|iseries|client ?access|ibm ?i\b|ibmi/, 'db2', system('db2', 50_000, 3, 'upper')),
  product(/cockroach/, 'postgresql', system('postgres', 26_257, 3, 'lower', 'public')),
  product(
    /postgres|psqlodbc|pgoledb|greenplum|enterprisedb|alloydb/,
    'postgresql',
    system('postgres', 5432, 3, 'lower', 'public'),
  ),
  product(/vertica/, 'postgresql', system('vertica', 5433, 3, 'keep', 'public')),
  product(/netezza/, 'postgresql', system('netezza', 5480, 3, 'upper')),
  product(/maria|mysql/, 'mysql', system('mysql', 3306, 2, 'keep')),
  product(/aurora|memsql|singlestore/, 'mysql'),
  product(/impala/, 'hive', system('impala', 21_050, 2, 'lower')),
  product(/hive/, 'hive', system('hive', 10_000, 2, 'lower')),
  product(/cloudera|hortonworks/, 'hive'),
  product(/click ?house/, 'clickhouse', system('clickhouse', 8123, 2, 'keep')),
  product(/sqlite/, 'sqlite'),
  product(/ora ?oledb|msdaora|oracle|\borcl/, 'oracle', system('oracle', 1521, 3, 'upper')),
  product(/sapsql|saperp|sap ?sql|sap ?connector|qvsap|sap_?r3/, 'sap'),
  product(/exasol/, undefined, system('exasol', 8563, 2, 'upper')),
  product(/firebird|interbase/, undefined, system('firebird', 3050, 2, 'upper')),
  product(/mongo/, undefined, system('mongodb', 27_017, 2, 'keep')),
  product(/cassandra/, undefined, system('cassandra', 9042, 2, 'lower')),
  product(/cosmos/, undefined, system('azurecosmos', undefined, 2, 'keep')),
  product(/kusto|data explorer/, undefined, system('azurekusto', undefined, 2, 'keep')),
  product(/jet|\bace\b|\.ace\.|access|\.mdb|\.accdb|excel|xlsx?\b/, 'access'),
  product(/sybase|adaptive|\bsap ?ase\b/, 'tsql', system('sybase', 5000, 3, 'keep', 'dbo')),
  product(
    /sqloledb|sqlncli|msoledbsql|mssql|sql ?server|sqlsrv|native client|synapse|azure ?_?sql|freetds|fabric/,
    'tsql',
    system('sqlserver', 1433, 3, 'keep', 'dbo'),
  ),
];

/** The database that these words of a data connection speak of, one after the other; undefined when they do not tell. */
export const databaseSystem = (...words: readonly (string | undefined)[]): DatabaseSystem | undefined => {
  for (const word of words) {
    const text = word?.toLowerCase() ?? '';
    const found = text === '' ? undefined : PRODUCTS.find((one) => one.system !== undefined && one.words.test(text));
    if (found !== undefined) return found.system;
  }
  return undefined;
};

/** The dialect of SQL that these words speak of; undefined when they do not tell. */
export const dialectNamed = (words: string): string | undefined => {
  const text = words.toLowerCase();
  return PRODUCTS.find((one) => one.dialect !== undefined && one.words.test(text))?.dialect;
};

/** A name in the case that the database keeps it in. */
export const folded = (name: string, fold: DatabaseSystem['fold']): string =>
  fold === 'keep' ? name : fold === 'lower' ? name.toLowerCase() : name.toUpperCase();
