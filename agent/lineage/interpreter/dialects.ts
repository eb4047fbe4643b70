import type { ConnectionFacts } from '../result.ts';

/** By what the type or the provider of a connection is called, the first that fits. */
const DIALECTS: readonly (readonly [RegExp, string])[] = [
  [/redshift/i, 'redshift'],
  [/postgres|greenplum/i, 'postgresql'],
  [/mysql|mariadb/i, 'mysql'],
  [/oracle|oraoledb/i, 'oracle'],
  [/snowflake/i, 'snowflake'],
  [/bigquery/i, 'bigquery'],
  [/databricks/i, 'databricks'],
  [/teradata/i, 'teradata'],
  [/hive|impala/i, 'hive'],
  [/presto|trino|athena/i, 'trino'],
  [/sqlite/i, 'sqlite'],
  [/sqlserver|sql server|sqloledb|sqlncli|msoledbsql|mssql|azure|synapse/i, 'tsql'],
];

/** The dialect of SQL that a data connection speaks; undefined: not known. */
export const dialectOf = (facts: ConnectionFacts | undefined): string | undefined => {
  if (facts === undefined) return undefined;
  const called = `${facts.type} ${facts.provider ?? ''}`;
  return DIALECTS.find(([pattern]) => pattern.test(called))?.[1];
};
