import { dialectNamed } from '../databases.ts';
import type { ConnectionFacts } from '../result.ts';

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
  return dialectNamed(`${connection.provider ?? ''} ${connection.type}`);
}

/** The parser's dialects to try, first to last. */
export function parserDialects(dialect: string | undefined): readonly string[] {
  const first = dialect === undefined ? [] : (STAND_FOR[dialect] ?? [dialect]);
  return [...new Set([...first, ...OTHERS])];
}
