import { noProxyEntries } from './no-proxy.ts';
import type { ProxyChoice, ProxyScheme, ProxyServer } from './proxy.ts';
import { Secret } from './secret.ts';

const SCHEMES: Readonly<Record<string, ProxyScheme>> = {
  http: 'http',
  https: 'https',
  socks: 'socks5',
  socks5: 'socks5',
  socks5h: 'socks5',
  socks4: 'socks4a',
  socks4a: 'socks4a',
};
const PORTS: Readonly<Record<ProxyScheme, number>> = { http: 80, https: 443, socks5: 1080, socks4a: 1080 };

export type Environment = Readonly<Record<string, string | undefined>>;

interface EnvironmentProxies {
  /** Undefined when no variable names a proxy. */
  readonly choice: ProxyChoice | undefined;
  /** Names of variables whose value is no address of a proxy. */
  readonly unusable: readonly string[];
}

/**
 * The proxies that the environment names: `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY` for `https:` and `wss:`;
 * `http_proxy`, `all_proxy`, `ALL_PROXY` for `http:` and `ws:` (never `HTTP_PROXY`, which a web server that runs programs
 * may have taken from a request); exceptions from `no_proxy` or `NO_PROXY`. The first that is set counts, an empty one
 * means none.
 */
export const environmentProxies = (env: Environment, extraAuthorities: readonly string[] = []): EnvironmentProxies => {
  const unusable = new Set<string>();
  const first = (...names: readonly string[]): ProxyServer | undefined => {
    const name = names.find((candidate) => env[candidate] !== undefined);
    const text = name === undefined ? '' : (env[name] ?? '').trim();
    if (name === undefined || text === '') return undefined;
    const proxy = parseProxy(text, name, extraAuthorities);
    if (proxy === undefined) unusable.add(name);
    return proxy;
  };
  const secure = first('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY');
  const plain = first('http_proxy', 'all_proxy', 'ALL_PROXY');
  const except = noProxyEntries(env['no_proxy'] ?? env['NO_PROXY'] ?? '');
  const choice =
    secure === undefined && plain === undefined ? undefined : { type: 'environment' as const, secure, plain, except };
  return { choice, unusable: [...unusable] };
};

/** `[scheme://][user[:password]@]host[:port][/]`; what is not percent-encoded in user and password is taken as it is. */
const parseProxy = (text: string, from: string, extraAuthorities: readonly string[]): ProxyServer | undefined => {
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:(.*)@)?(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?\/?$/i.exec(text);
  if (match === null || text.length > 2000) return undefined;
  const [, schemeText = 'http', credentials, host = '', portText] = match;
  const scheme = SCHEMES[schemeText.toLowerCase()];
  if (scheme === undefined) return undefined;
  const port = portText === undefined ? PORTS[scheme] : Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  const colon = credentials?.indexOf(':') ?? -1;
  const user = credentials === undefined ? '' : decoded(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = credentials === undefined || colon < 0 ? undefined : decoded(credentials.slice(colon + 1));
  const proxy: ProxyServer = {
    scheme,
    hostname: host.replace(/^\[|\]$/g, ''),
    port,
    username: user === '' ? undefined : user,
    password: password === undefined ? undefined : new Secret(password),
    extraAuthorities,
    from,
  };
  return credentialTrouble(proxy) === undefined ? proxy : undefined;
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** What makes user and password impossible to send to a proxy of this scheme, in words; undefined when nothing does. */
export const credentialTrouble = ({ scheme, username, password }: ProxyServer): string | undefined => {
  const user = username ?? '';
  const secret = password?.reveal() ?? '';
  // Whole files come with line ends, and were hardly meant to be sent.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(user + secret)) return 'user name or password holds a control character';
  switch (scheme) {
    case 'http':
    case 'https':
      if (user.includes(':')) return 'the user name holds a colon, which Basic authentication cannot carry';
      return undefined;
    case 'socks5':
      if (user === '' && secret === '') return undefined;
      if (user === '' || secret === '') return 'SOCKS5 wants a user name and a password, or neither';
      if (Buffer.byteLength(user) > 255 || Buffer.byteLength(secret) > 255)
        return 'SOCKS5 carries at most 255 bytes of user name and of password';
      return undefined;
    case 'socks4a':
      if (secret !== '') return 'SOCKS4a knows a user name but no password';
      return user.includes('\0') ? 'the user name holds a character that SOCKS4a cannot carry' : undefined;
    default:
      return scheme satisfies never;
  }
};
