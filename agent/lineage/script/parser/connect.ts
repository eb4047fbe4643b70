import { parenthesisEnd } from '../gaps.ts';
import type { ConnectStatement } from '../syntax.ts';
import type { Reader } from './reader.ts';

type Kind = ConnectStatement['kind'];

/**
 * `LIB CONNECT TO 'x'`, `ODBC CONNECT TO [dsn; UID=…]`, `OLEDB CONNECT32 TO …`, `DISCONNECT`. Of a connection string only
 * what names the place is kept: never a user, never a password.
 */
export const takeConnect = (reader: Reader): ConnectStatement => {
  const start = reader.position;
  if (reader.takeWord('disconnect') !== undefined) {
    reader.expectDone();
    return { ...NOWHERE, kind: 'disconnect', span: reader.spanFrom(start) };
  }
  const kind = (reader.takeWord('lib', 'odbc', 'oledb', 'custom') ?? 'plain') as Kind;
  reader.expectWord('connect', 'connect32', 'connect64');
  reader.takeWord('to');
  if (reader.done) reader.fail('CONNECT names nothing to connect to');
  const quoted = reader.token?.kind !== 'word' && reader.token?.kind !== 'expansion';
  const from = reader.position;
  const name = quoted ? reader.name('the connection') : bareName(reader);
  // What follows are users, passwords and options in a parenthesis.
  reader.at = reader.tokens.length;
  return { kind, type: 'connect', ...placeOf(kind, name), span: { start, end: Math.max(from, reader.behind) } };
};

const NOWHERE = { type: 'connect', name: '', provider: undefined, database: undefined } as const;

/** Without quotes it may be a name of several words; users and passwords stand in a parenthesis behind it. */
const bareName = (reader: Reader): string => {
  const start = reader.position;
  let at = start;
  while (at < reader.end && reader.text[at] !== '(') {
    at = reader.text.startsWith('$(', at) ? (parenthesisEnd(reader.text, at + 1, reader.end) ?? at + 2) : at + 1;
  }
  return reader.text.slice(start, at).trim();
};

const placeOf = (kind: Kind, text: string): Pick<ConnectStatement, 'name' | 'provider' | 'database'> => {
  const pairs = propertiesOf(text);
  if (kind === 'lib' || pairs.size === 0)
    return { name: withoutOptions(text), provider: undefined, database: undefined };
  const first = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => pairs.get(key)).find((value) => value !== undefined && value !== '');
  const provider = first('provider', 'driver');
  return {
    name:
      first('dsn', 'data source', 'datasource', 'server', 'host', 'address', 'hostname', 'url', 'dbq') ??
      // `[MyDsn;UID=…]`: the name stands alone in front.
      (/^[^;=]+$/.exec(text.split(';', 1)[0] ?? '')?.[0].trim() || provider || ''),
    provider,
    database: first('database', 'initial catalog', 'dbname', 'default catalog', 'catalog'),
  };
};

/** A name may be followed by `;` and options that have no `=`. */
const withoutOptions = (text: string): string => (/[;]/.test(text) ? (text.split(';', 1)[0] ?? '') : text).trim();

/** `Provider=SQLNCLI11.1;Data Source="a;b";Initial Catalog=x`, by keys in lower case. */
const propertiesOf = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/([\w .]{1,60}?)\s*=\s*("[^"]*"|'[^']*'|\{[^}]*\}|[^;]*)(?:;|$)/g)) {
    const key = (match[1] ?? '').trim().toLowerCase();
    const value = (match[2] ?? '').trim().replace(/^["'{](.*)["'}]$/s, '$1');
    if (key !== '' && !found.has(key)) found.set(key, value);
  }
  return found;
};
