/**
 * Where a data connection of Qlik Sense leads, from its connection string. These strings hold passwords in clear more
 * often than not, in every spelling: so nothing is removed from them, but what is known to be harmless is taken out, by
 * name and by form, and all else is left behind.
 */
export interface ConnectionTarget {
  readonly kind: 'folder' | 'odbc' | 'oledb' | 'custom' | 'rest' | 'web' | 'other';
  /** `SQLOLEDB.1`, `QvOdbcConnectorPackage.exe`. */
  readonly provider?: string | undefined;
  /** `postgres`, `SQL Server`. */
  readonly driver?: string | undefined;
  /** Name of a data source that is defined on the Qlik server. */
  readonly dsn?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly instance?: string | undefined;
  readonly database?: string | undefined;
  readonly schema?: string | undefined;
  readonly warehouse?: string | undefined;
  /** A folder, a file, or the path of an address. */
  readonly path?: string | undefined;
  /** Scheme, host, port and path: neither user nor query. */
  readonly address?: string | undefined;
}

/** Longer than any that a person wrote; a parser of strangers' texts needs an end. */
const MAX_CHARS = 20_000;

/** `type` is QRS's own word for the connection: `folder`, `ODBC`, `OLEDB`, `internet`, or the program of a connector. */
export const connectionTarget = (connectionString: string, type: string): ConnectionTarget => {
  const text = connectionString.slice(0, MAX_CHARS).trim();
  const connect = /^(odbc|oledb|custom)\s+connect(?:32|64)?\s+to\s+/i.exec(text);
  if (connect !== null) {
    const inner = unwrapped(text.slice(connect[0].length));
    const way = connect[1]?.toLowerCase();
    return way === 'odbc' ? odbc(inner) : way === 'oledb' ? oledb(inner) : custom(inner);
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'web', ...addressOf(text) };
  // A drive, a share, a path; or what QRS calls a folder, if there is no sign of anything else.
  if (/^(?:[a-z]:[\\/]|\\\\|\/)/i.test(text) || (/^folder$/i.test(type) && !/[=;@]/.test(text)))
    return { kind: 'folder', ...folderOf(text) };
  if (/^odbc$/i.test(type)) return odbc(unwrapped(text));
  if (/^oledb$/i.test(type)) return oledb(unwrapped(text));
  if (/\.exe$/i.test(type)) return custom(unwrapped(text), type);
  return { kind: 'other' };
};

/** Without the brackets or quotes around it, and the semicolon behind them. */
const unwrapped = (text: string): string => {
  const bare = text.trim().replace(/;\s*$/, '').trim();
  const close = { '[': ']', '"': '"', "'": "'", '(': ')' }[bare.charAt(0)];
  if (close === undefined || !bare.endsWith(close) || bare.length < 2) return bare;
  const inner = bare.slice(1, -1);
  return close === '"' ? inner.replaceAll('""', '"') : inner;
};

const odbc = (text: string): ConnectionTarget => {
  const pairs = pairsOf(text);
  // `[ERP_PROD]` and `[ERP_PROD;UID=…]`: the name alone, before all keys.
  const [first = ''] = text.split(';', 1);
  const named = first.includes('=') ? undefined : plain(first);
  return { kind: 'odbc', dsn: named ?? plain(pairs.get('dsn')), ...database(pairs) };
};

const oledb = (text: string): ConnectionTarget => ({ kind: 'oledb', ...database(pairsOf(text)) });

const custom = (text: string, type = ''): ConnectionTarget => {
  const pairs = pairsOf(text);
  const provider = plain(pairs.get('provider')) ?? plain(type);
  const url = first(pairs, ['url', 'baseurl', 'endpoint', 'serviceurl', 'siteurl', 'hosturl']);
  const web = url === undefined ? {} : addressOf(url);
  const kind = /rest/i.test(provider ?? '') ? 'rest' : 'custom';
  return { kind, ...database(pairs), ...web, provider };
};

const HOST = ['host', 'server', 'datasource', 'servername', 'hostname', 'address', 'addr', 'networkaddress'];

/** What the keys of a database say. */
const database = (pairs: ReadonlyMap<string, string>): Omit<ConnectionTarget, 'kind'> => {
  const server = serverOf(first(pairs, HOST) ?? '');
  const file = first(pairs, ['dbq', 'path', 'defaultdir', 'defaultdirectory', 'filename', 'folder']);
  const port = portOf(first(pairs, ['port', 'portnumber'])) ?? server.port;
  return {
    ...server,
    ...(port === undefined ? {} : { port }),
    ...(file === undefined ? {} : fileOrServer(file)),
    provider: plain(pairs.get('provider')),
    driver: plain(pairs.get('driver')),
    database:
      plain(
        first(pairs, ['database', 'db', 'initialcatalog', 'catalog', 'databasename', 'dbname', 'servicename', 'sid']),
      ) ?? server.database,
    schema: plain(first(pairs, ['schema', 'currentschema', 'defaultschema', 'defaultdataset'])),
    warehouse: plain(pairs.get('warehouse')),
  };
};

/** `DBQ` is a file for Access and Excel, a server for Oracle. */
const fileOrServer = (text: string): Omit<ConnectionTarget, 'kind'> =>
  isPath(text) ? { path: pathOf(text) } : serverOf(text);

const first = (pairs: ReadonlyMap<string, string>, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = pairs.get(name);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
};

/**
 * `key=value` pairs; values may stand in braces or quotes, which are doubled within. Keys lose case and blanks. A key that
 * comes twice with different values is dropped: an unquoted password with a semicolon in it makes such.
 */
const pairsOf = (text: string): ReadonlyMap<string, string> => {
  const pairs = new Map<string, string>();
  const doubtful = new Set<string>();
  for (let at = 0; at < text.length; ) {
    const equals = text.indexOf('=', at);
    const semicolon = text.indexOf(';', at);
    if (equals < 0) break;
    if (semicolon >= 0 && semicolon < equals) {
      at = semicolon + 1;
      continue;
    }
    const key = text
      .slice(at, equals)
      .replace(/[\s_"'[]/g, '')
      .toLowerCase();
    const { value, next } = valueAt(text, equals + 1);
    const known = pairs.get(key);
    if (known !== undefined && known !== value) doubtful.add(key);
    pairs.set(key, value);
    at = next;
  }
  for (const key of doubtful) pairs.delete(key);
  return pairs;
};

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '"': '"', "'": "'" };

const valueAt = (text: string, from: number): { readonly value: string; readonly next: number } => {
  let start = from;
  while (/\s/.test(text.charAt(start))) start += 1;
  const closing = CLOSING[text.charAt(start)];
  if (closing !== undefined) {
    let value = '';
    for (let at = start + 1; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (character !== closing) value += character;
      else if (text.charAt(at + 1) === closing) {
        value += closing;
        at += 1;
      } else {
        const end = text.indexOf(';', at);
        return { value: value.trim(), next: end < 0 ? text.length : end + 1 };
      }
    }
    // Never closed: then it was no quote.
  }
  const end = text.indexOf(';', start);
  return { value: text.slice(start, end < 0 ? text.length : end).trim(), next: end < 0 ? text.length : end + 1 };
};

/** A name of something: a driver, a database. What looks like more than a name is none. */
const plain = (text: string | undefined): string | undefined =>
  text !== undefined && /^[^\p{Cc};=@%]{1,200}$/u.test(text) ? text : undefined;

const portOf = (text: string | undefined): number | undefined => {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
};

const NAME = /^[\p{L}\p{N}_.$()-]{1,253}$/u;
const IPV6 = /^(?=[^:]{0,4}:)[0-9a-f:.]{2,45}(?:%[\w.-]{1,40})?$/i;

/** `host`, `host,1433`, `tcp:host\instance,1433`, `host:1521/service`, `[::1]:5432`, a TNS description, or a file. */
const serverOf = (
  text: string,
): { host?: string; port?: number; instance?: string; database?: string; path?: string } => {
  if (text === '') return {};
  if (text.startsWith('(') && /\(\s*HOST\s*=/i.test(text)) {
    const part = (name: string): string | undefined =>
      new RegExp(`\\(\\s*${name}\\s*=\\s*([^()\\s]{1,253})\\s*\\)`, 'i').exec(text)?.[1];
    return known({
      host: hostOf(part('HOST')),
      port: portOf(part('PORT')),
      database: plain(part('SERVICE_NAME') ?? part('SID')),
    });
  }
  const bare = text.replace(/^(?:tcp|lpc|admin):/i, '').replace(/^[a-z]+:\/\//i, '');
  if (isPath(bare) && !bare.startsWith('//')) return known({ path: pathOf(bare) });
  const address = bare.replace(/^\/\//, '').replace(/^.*@/, '');
  const match =
    /^(?<host>\[[^\]]+\]|[^\\/,:[\]]*|[0-9a-f:.]+)(?:\\(?<instance>[\w$-]{1,100}))?(?:[,:]\s*(?<port>\d{1,5}))?(?:\/(?<service>[^/?#]{1,200}))?(?:[/?#].*)?$/iu.exec(
      address,
    );
  const { host, instance, port, service } = match?.groups ?? {};
  return known({ host: hostOf(host), instance, port: portOf(port), database: plain(service) });
};

const hostOf = (text: string | undefined): string | undefined => {
  const bare = text?.trim().replace(/^\[|\]$/g, '');
  return bare !== undefined && (NAME.test(bare) || IPV6.test(bare)) ? bare : undefined;
};

const isPath = (text: string): boolean => /^(?:[a-z]:[\\/]|\\\\|\/|\.{1,2}[\\/])/i.test(text);

/** As it stands, unless it is none. */
const pathOf = (text: string): string | undefined => (/^[^\p{Cc};=?]{1,1000}$/u.test(text) ? text : undefined);

/** The server of a share is a host. */
const folderOf = (text: string): Omit<ConnectionTarget, 'kind'> => {
  const share = /^(?:\\\\|\/\/)([^\\/@]{1,253})(?:@[\w@]{1,20})?[\\/]/.exec(text)?.[1];
  return known({ host: hostOf(share), path: pathOf(text) });
};

const WEB = /^(?:https?|ftps?|sftp|s3|wss?|smb|file|abfss?|gs|hdfs):$/;

/** Only what names a place: neither user nor password, neither query nor fragment, nor parameters within the path. */
const addressOf = (text: string): Omit<ConnectionTarget, 'kind'> => {
  let url: URL;
  try {
    url = new URL(/^[a-z]+%3a/i.test(text) ? decodeURIComponent(text) : text);
  } catch {
    return {};
  }
  if (!WEB.test(url.protocol)) return {};
  const path = url.pathname.replace(/;[^/]*/g, '');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return known({
    host,
    port: portOf(url.port),
    path: path === '/' || path === '' ? undefined : readable(path),
    address: `${url.protocol}//${url.host}${path}`,
  });
};

const readable = (path: string): string => {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
};

const known = <T extends object>(parts: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
