/** What the connection files of the matrix are made of: addresses, logins and stores, as the real programs made them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulator } from '#test/simulator/simulator.ts';
import { run } from '../spawned.ts';
import type { Way } from './factors.ts';

export const STORE_PASSWORD = 'canary-store-password';
const PFX_PASSWORD = 'canary-pfx-password';

/** Ports by which the services of a site are reached. */
export interface Ports {
  readonly proxy: number;
  readonly qrs: number;
  readonly engine: number;
  readonly service: number;
}

export const portsOf = ({ addresses }: Simulator): Ports => ({
  proxy: Number(new URL(addresses.proxyUrl).port),
  qrs: Number(new URL(addresses.qrsUrl).port),
  engine: Number(new URL(addresses.engineUrl).port),
  service: Number(new URL(addresses.ticket.serviceUrl).port),
});

/** Makes the trust stores `<name>.p12` (by openssl), `<name>-keytool.p12` and `<name>.jks` from `<name>.pem`. */
export const makeTrustStores = (folder: string, name: string): void => {
  const pem = `${name}.pem`;
  run(
    'openssl',
    [
      ...['pkcs12', '-export', '-nokeys', '-in', pem, '-caname', name, '-out', `${name}.p12`],
      ...['-passout', `pass:${STORE_PASSWORD}`],
    ],
    folder,
  );
  for (const [file, type] of [
    [`${name}-keytool.p12`, 'PKCS12'],
    [`${name}.jks`, 'JKS'],
  ] as const)
    run(
      'keytool',
      [
        ...['-importcert', '-noprompt', '-alias', name, '-file', pem],
        ...['-keystore', file, '-storetype', type, '-storepass', STORE_PASSWORD],
      ],
      folder,
    );
};

/** The client certificate of the site as Windows exports it: `client.pfx`. */
export const makePfx = (folder: string, { addresses: { certificates } }: Simulator): void => {
  run(
    'openssl',
    [
      ...['pkcs12', '-export', '-in', certificates.clientPath, '-inkey', certificates.clientKeyPath],
      ...['-certfile', certificates.rootPath, '-out', 'client.pfx', '-passout', `pass:${PFX_PASSWORD}`],
    ],
    folder,
  );
};

/** A `truststore` block; stores of one kind alternate between the programs that made them. */
export const trustBlock = (key: string, trust: Way['trust'], name: string, odd: boolean): string => {
  const store = (file: string, more = ''): string => `${key} { path = "${file}"${more} }\n`;
  const locked = `, password = "${STORE_PASSWORD}"`;
  switch (trust) {
    case 'default roots':
      return '';
    case 'PKCS12':
      return store(odd ? `${name}-keytool.p12` : `${name}.p12`, locked);
    case 'JKS':
      return store(`${name}.jks`, odd ? `${locked}, type = JKS` : locked);
    case 'PEM':
      return store(`${name}.pem`);
    default:
      return trust satisfies never;
  }
};

const quoted = (text: string): string => JSON.stringify(text);

/** A PEM file as a value: over several lines, or with `\n` for their ends, as it comes out of other programs. */
const pemValue = (path: string, odd: boolean): string => {
  const text = readFileSync(path, 'utf8').trim();
  return `"""${odd ? text.replaceAll('\n', '\\n') : text}"""`;
};

const certificate = (folder: string, way: Way['authentication'], site: Simulator, odd: boolean): string => {
  const { clientPath, clientKeyPath } = site.addresses.certificates;
  const { directory, id } = site.addresses.user;
  const who = `user_directory = "${directory}"\nuser_id = "${id}"\n`;
  if (way === 'PFX')
    return `certificate { path = ${quoted(join(folder, 'client.pfx'))}, password = "${PFX_PASSWORD}" }\n${who}`;
  if (way === 'PEM value')
    return `certificate { path = ${pemValue(clientPath, odd)}\nkey_path = ${pemValue(clientKeyPath, odd)} }\n${who}`;
  return `certificate { path = ${quoted(clientPath)}, key_path = ${quoted(clientKeyPath)} }\n${who}`;
};

/** The block `connection` of a file. `folder` holds what `culvert jwt init` made in `jwt`. */
export const connectionBlock = (
  folder: string,
  { authentication }: Way,
  site: Simulator,
  at: { readonly host: string; readonly ports: Ports },
  odd: boolean,
): string => {
  const { addresses } = site;
  const { host, ports } = at;
  const block = (prefix: string, auth: string): string =>
    `connection {\nurl = "https://${host}:${ports.proxy}/${prefix}"\nauth {\n${auth}}\n}\n`;
  const windows = (method: string): string => {
    const { username = '', password = '', prefix = '' } = addresses.windows ?? {};
    const auth = `username = """${username}"""\npassword = ${quoted(password)}\nmethod = ${method}\n`;
    return block(prefix, auth);
  };
  switch (authentication) {
    case 'PEM path':
    case 'PEM value':
    case 'PFX':
      return (
        `connection {\nurl = "https://${host}:${ports.qrs}"\nengine_url = "wss://${host}:${ports.engine}"\n` +
        `auth {\ntype = certificate\n${certificate(folder, authentication, site, odd)}}\n}\n`
      );
    case 'JWT': {
      const { prefix, tokenPath } = addresses.jwt;
      return block(
        prefix,
        odd ? `token_file = ${quoted(tokenPath)}\n` : `token = "${readFileSync(tokenPath, 'utf8')}"\n`,
      );
    }
    case 'own JWT':
      return block(
        'culvert',
        `type = jwt\njwt {\nkey_path = ${quoted(join(folder, 'jwt', 'jwt_key.pem'))}\n` +
          `certificate_path = ${quoted(join(folder, 'jwt', 'jwt_certificate.pem'))}\n` +
          `user_directory = "${addresses.user.directory}"\nuser_id = "${addresses.user.id}"\n}\n`,
      );
    case 'header':
      return block(
        addresses.header.prefix,
        `key = ${addresses.header.headerName}\nvalue = """${addresses.header.headerValue}"""\n`,
      );
    case 'NTLM':
      return windows('ntlm');
    case 'forms':
      return windows('forms');
    case 'ticket':
      return block(
        addresses.ticket.prefix,
        `type = ticket\nproxy_service_url = "https://${host}:${ports.service}"\n` +
          certificate(folder, authentication, site, odd),
      );
    default:
      return authentication satisfies never;
  }
};
