/** Connection files for the site of a row: one writer for each way in, so that a row shows only what is wrong. */
import { readFileSync } from 'node:fs';
import type { Stage } from './stage.ts';

const quoted = (text: string): string => JSON.stringify(text);

/** A whole file. `block` stands in `connection`, `more` after it; the site's authority is trusted unless `trust` is another text. */
export const file = (stage: Stage, block: string, more = '', trust = trusted(stage)): string =>
  `name = "Site"\ncode = site\nconnector_id = "qlik-sense"\nconnection {\n${block}\n}\n${trust}\n${more}\n`;

export const trusted = (stage: Stage): string =>
  stage.hasSite ? `tls.truststore { path = ${quoted(stage.site.addresses.certificates.rootPath)}, type = PEM }` : '';

/** The same address with another host, port or prefix. */
export const moved = (
  url: string,
  to: { readonly host?: string; readonly port?: number; readonly prefix?: string },
): string => {
  const address = new URL(url);
  if (to.host !== undefined) address.hostname = to.host;
  if (to.port !== undefined) address.port = String(to.port);
  if (to.prefix !== undefined) address.pathname = `/${to.prefix}`;
  return address.href.replace(/\/$/, '');
};

interface Header {
  readonly url?: string;
  readonly key?: string;
  readonly value?: string;
}
export const header = (stage: Stage, { url, key, value }: Header = {}): string => {
  const own = stage.site.addresses.header;
  return `  url = ${quoted(url ?? own.url)}\n  auth { key = ${quoted(key ?? own.headerName)}, value = ${quoted(value ?? own.headerValue)} }`;
};

/** Header authentication at an address where nothing of a site is needed. */
export const headerAt = (url: string): string =>
  `  url = ${quoted(url)}\n  auth { key = "X-Sim-User", value = "CORP\\\\svc_catalog" }`;

export const jwt = (stage: Stage, token = stage.site.token(), url = stage.site.addresses.jwt.url): string =>
  `  url = ${quoted(url)}\n  auth { type = jwt, token = ${quoted(token)} }`;

export const signedJwt = (stage: Stage, key = stage.site.pki.jwtKeyPem, more = ''): string => {
  const { jwt: own, user } = stage.site.addresses;
  const path = stage.write('agent_key.pem', key);
  return `  url = ${quoted(own.url)}
  auth {
    type = jwt
    jwt { key_path = ${quoted(path)}, user_directory = ${quoted(user.directory)}, user_id = ${quoted(user.id)}${more} }
  }`;
};

interface Windows {
  readonly username?: string;
  readonly password?: string;
  readonly method?: 'auto' | 'ntlm' | 'forms';
  readonly url?: string;
}
export const windows = (stage: Stage, { username, password, method = 'auto', url }: Windows = {}): string => {
  const own = stage.site.addresses.windows;
  if (own === null) throw new RangeError('the virtual proxy "windows" is not there');
  return `  url = ${quoted(url ?? own.url)}
  auth {
    type = windows
    username = ${quoted(username ?? own.username)}
    password = ${quoted(password ?? own.password)}
    method = ${method}
  }`;
};

interface Pair {
  readonly cert: string;
  readonly key: string;
}
const pairOf = (stage: Stage, pair: Pair | undefined): string => {
  const { certificates } = stage.site.addresses;
  if (pair === undefined)
    return `certificate { path = ${quoted(certificates.clientPath)}, key_path = ${quoted(certificates.clientKeyPath)} }`;
  return `certificate { path = ${quoted(stage.write('client.pem', pair.cert))}, key_path = ${quoted(stage.write('client_key.pem', pair.key))} }`;
};
const userOf = (stage: Stage, id?: string): string => {
  const { user } = stage.site.addresses;
  return `user_directory = ${quoted(user.directory)}\n    user_id = ${quoted(id ?? user.id)}`;
};

interface Ticket {
  readonly pair?: Pair;
  readonly url?: string;
  readonly service?: string;
}
export const ticket = (stage: Stage, { pair, url, service }: Ticket = {}): string => {
  const own = stage.site.addresses.ticket;
  return `  url = ${quoted(url ?? own.url)}
  auth {
    type = ticket
    proxy_service_url = ${quoted(service ?? own.serviceUrl)}
    ${pairOf(stage, pair)}
    ${userOf(stage)}
  }`;
};

interface Certificate {
  readonly pair?: Pair;
  /** The block `certificate` itself. */
  readonly block?: string;
  readonly user?: string;
  readonly url?: string;
  readonly engineUrl?: string;
}
export const certificate = (stage: Stage, { pair, block, user, url, engineUrl }: Certificate = {}): string => {
  const { qrsUrl, engineUrl: engine } = stage.site.addresses;
  return `  url = ${quoted(url ?? qrsUrl)}
  engine_url = ${quoted(engineUrl ?? engine)}
  auth {
    type = certificate
    ${block ?? pairOf(stage, pair)}
    ${userOf(stage, user)}
  }`;
};

/** Certificate and key as values, with line ends as they are or escaped. */
export const byValue = ({ site: { pki } }: Stage): string =>
  `certificate { path = ${quoted(pki.clientPem)}, key_path = ${quoted(pki.clientKeyPem)} }`;

export const byPfx = ({ site: { addresses } }: Stage, password = addresses.certificates.pfxPassphrase): string =>
  `certificate { path = ${quoted(addresses.certificates.pfxPath)}, password = ${quoted(password)} }`;

/** The block `proxy`. */
export const proxy = (scheme: string, port: number, more = '', hostname = '127.0.0.1'): string =>
  `proxy { scheme = ${scheme}, hostname = ${quoted(hostname)}, port = ${port}${more} }`;

export const account = (username: string, password: string): string =>
  `, username = ${quoted(username)}, password = ${quoted(password)}`;

export const truststore = (path: string, more = ''): string => `tls.truststore { path = ${quoted(path)}${more} }`;

export const text = (path: string): string => readFileSync(path, 'utf8');
