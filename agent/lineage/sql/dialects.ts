import type { ConnectionFacts } from '../result.ts';

/** What a connection's provider, driver or name says of the language of its SELECTs, tried in this order. */
const BY_PROVIDER: readonly (readonly [RegExp, string])[] = [
  [/snowflake/, 'snowflake'],
  [/big ?query|googlebq/, 'bigquery'],
  [/redshift/, 'redshift'],
  [/databricks/, 'databricks'],
  [/spark/, 'spark'],
  [/athena/, 'athena'],
  [/trino/, 'trino'],
  [/presto/, 'presto'],
  [/teradata|tdoledb/, 'teradata'],
  [/hana|hdbodbc/, 'hana'],
  [/informix|ifxoledbc|iclit/, 'informix'],
  [/db2|ibmda|iseries|as400|client ?access|ibmi/, 'db2'],
  [/postgres|psqlodbc|pgoledb|greenplum|cockroach|vertica|netezza/, 'postgresql'],
  [/mysql|mariadb|aurora|memsql|singlestore/, 'mysql'],
  [/hive|impala|cloudera|hortonworks/, 'hive'],
  [/clickhouse/, 'clickhouse'],
  [/sqlite/, 'sqlite'],
  [/ora ?oledb|msdaora|oracle|\borcl/, 'oracle'],
  [/sapsql|saperp|sap ?sql|sap ?connector|qvsap|sap_?r3/, 'sap'],
  [/jet|\bace\b|\.ace\.|access|\.mdb|\.accdb|excel|xlsx?\b/, 'access'],
  [/sql ?server|mssql|sqloledb|sqlncli|msoledbsql|azure ?sql|azuresql|synapse|sybase|adaptive|fabric/, 'tsql'],
];

/** What our own names mean to the parser; all others are its own. */
const STAND_FOR: Record<string, readonly string[]> = {
  db2: ['generic', 'postgresql', 'oracle'],
  hana: ['postgresql', 'generic', 'snowflake'],
  informix: ['generic', 'postgresql'],
  access: ['tsql', 'generic'],
  sap: ['generic', 'tsql'],
  athena: ['athena', 'trino'],
};
const OTHERS = ['tsql', 'generic', 'snowflake', 'oracle', 'postgresql', 'mysql'];

/**
 * The dialect that a data connection speaks, from what is known of it: `tsql`, `oracle`, `snowflake`, …, and `db2`,
 * `hana`, `informix`, `access`, `sap`, which only the preparation of the text knows. Undefined when nothing tells: a DSN
 * names no database.
 */
export function dialectOf(connection: ConnectionFacts): string | undefined {
  const facts = `${connection.provider ?? ''} ${connection.type}`.toLowerCase();
  return BY_PROVIDER.find(([provider]) => provider.test(facts))?.[1];
}

/** The parser's dialects to try, first to last. */
export function parserDialects(dialect: string | undefined): readonly string[] {
  const first = dialect === undefined ? [] : (STAND_FOR[dialect] ?? [dialect]);
  return [...new Set([...first, ...OTHERS])];
}
