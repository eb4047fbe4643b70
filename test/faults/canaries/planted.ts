import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Addresses } from '#test/simulator/simulator.ts';
import { signToken } from '#test/simulator/tokens.ts';

/** A secret by where it was planted. */
export type Planted = Map<string, string>;

interface Place {
  readonly folder: string;
  readonly connections: string;
  readonly addresses: Addresses;
  /** A server that repeats what it was shown. */
  readonly hostile: string;
  /** As `culvert encrypt` prints {@link ENCRYPTED}. */
  readonly sealed: string;
}

export const ENCRYPTED = 'canary-encrypted "ü"/+7';
export const ENVIRONMENT = { CANARY_VALUE: 'canary-environment\\x&9' };

const quoted = (text: string): string => JSON.stringify(text);

/** Writes connection files that hold a secret under every key that can, in every way of logging in. Returns the codes. */
export const plant = (place: Place, planted: Planted): readonly string[] => {
  const { folder, connections, addresses, hostile, sealed } = place;
  const { certificates } = addresses;
  const trust = `tls.truststore { path = ${quoted(certificates.rootPath)}, type = "PEM" }\n`;
  const known = (name: string, value: string): string => {
    planted.set(name, value);
    return value;
  };
  const secret = (name: string): string => known(name, `canary-${name}-"q"/+${name.length}ä`);
  const file = (name: string, value: string): string => {
    const path = join(folder, name);
    writeFileSync(path, value, { mode: 0o600 });
    return path;
  };
  const codes: string[] = [];
  const connection = (code: string, url: string, lines: string): void => {
    codes.push(code);
    const head = `name = "${code}"\ncode = "${code}"\nconnector_id = "qlik-sense"\nconnection.url = ${quoted(url)}\n`;
    writeFileSync(join(connections, `${code}.conf`), head + lines, { mode: 0o600 });
  };
  const header = (value: string): string => `connection.auth { key = "X-User", value = ${value} }\n`;

  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const [index, line] of pem.split('\n').slice(1, -2).entries()) known(`jwt-key-line-${index}`, line);
  const token = signToken(pem, { userId: 'u', userDirectory: 'D', canary: 'canary-claim' });

  connection(
    'crawled',
    addresses.header.url,
    `connection.auth { key = ${quoted(addresses.header.headerName)}, value = ${quoted(addresses.header.headerValue)} }\n${trust}` +
      `tls.truststore.password = ${quoted(secret('truststore'))}\njson_key = ${quoted(secret('tolerated-key'))}\n`,
  );
  connection(
    'crawled-jwt',
    addresses.jwt.url,
    `connection.auth { type = jwt, token_file = ${quoted(file('token', known('token-file', readFileSync(addresses.jwt.tokenPath, 'utf8').trim())))} }\n${trust}`,
  );
  connection('header', hostile, header(quoted(secret('header'))));
  connection('encrypted', hostile, header(quoted(sealed)));
  planted.set('encrypted', ENCRYPTED);
  connection('environment', hostile, header(`$${'{CANARY_VALUE}'}`));
  planted.set('environment', ENVIRONMENT.CANARY_VALUE);
  connection('indirect', hostile, header(quoted(`file:${file('value', secret('secret-file'))}`)));
  connection(
    'managed',
    hostile,
    `${header(`$${'{secret_manager.user}'}`)}secret_manager { enabled = true, key = prod }\n`,
  );
  connection('jwt', hostile, `connection.auth { type = jwt, token = ${quoted(known('token', token))} }\n`);
  connection(
    'jwt-signed',
    hostile,
    `connection.auth { type = jwt, jwt { key_path = ${quoted(file('key.pem', pem))}, user_id = u, user_directory = D } }\n`,
  );
  connection(
    'windows',
    hostile,
    `connection.auth { type = windows, username = "CORP\\\\svc", password = ${quoted(secret('windows'))} }\n`,
  );
  const pfx = quoted(certificates.pfxPath);
  connection(
    'pfx-wrong',
    addresses.qrsUrl,
    `connection.auth { type = certificate, certificate { path = ${pfx}, password = ${quoted(secret('keystore'))} }, user_directory = D, user_id = u }\n${trust}`,
  );
  connection(
    'ticket',
    addresses.ticket.url,
    `connection.auth { type = ticket, certificate { path = ${pfx}, password = ${quoted(known('pfx', certificates.pfxPassphrase))} }, proxy_service_url = ${quoted(addresses.ticket.serviceUrl)}, user_directory = D, user_id = u }\n${trust}`,
  );
  const proxyPort = new URL(hostile).port;
  connection(
    'proxied',
    'https://qlik.invalid/',
    `${header('"u"')}proxy { hostname = "127.0.0.1", port = ${proxyPort}, username = u, password = ${quoted(secret('proxy'))} }\n`,
  );
  // Broken files, with a secret where the mistake is.
  connection(
    'misplaced',
    hostile,
    `connection.auth { passwort = ${quoted(secret('misspelt'))}, secret { x = ${quoted(secret('unknown'))} } }\n`,
  );
  connection(
    'torn',
    hostile,
    `connection.auth { key = "X-User", value = "${known('unterminated', 'canary-unterminated-1')}\n`,
  );
  connection('wrong-type', hostile, `connection.auth = ${quoted(secret('instead-of-object'))}\n`);
  return codes;
};

/** The forms in which a value could be met; found out here apart from what the agent knows of forms. */
export const formsOf = (value: string): readonly string[] => {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift, 'x'), bytes]).toString('base64');
    // What no neighbour has a part in.
    return [text.slice(4, Math.floor((shift + bytes.length) / 3) * 4)];
  });
  const json = JSON.stringify(value).slice(1, -1);
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('hex'),
    bytes.toString('latin1'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ].filter((form) => form.length >= 6);
};
