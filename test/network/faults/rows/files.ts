import { X509Certificate } from 'node:crypto';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES, jksOf, PASSWORD } from '#test/unit/config/keystore/stores.ts';
import { byPfx, certificate, file, header, jwt, signedJwt, text, ticket, truststore } from '../connections.ts';
import type { FaultRow, Group } from '../row.ts';
import type { Stage } from '../stage.ts';

/** What HOCON takes from the environment; built, so that nobody takes it for a template of this language. */
const NOT_SET = ['$', '{?CULVERT_TEST_NOT_SET}'].join('');

const store = (name: string): string => join(FIXTURES, name);
const password = (value: string): string => `, password = ${JSON.stringify(value)}`;
const withTrust = (stage: Stage, path: string, more = ''): string =>
  file(stage, header(stage), '', truststore(path, more));
const withPaths = (stage: Stage, path: string, keyPath: string): string =>
  certificate(stage, {
    block: `certificate { path = ${JSON.stringify(path)}, key_path = ${JSON.stringify(keyPath)} }`,
  });
const certificates = (stage: Stage) => stage.site.addresses.certificates;

export const files: Group<FaultRow> = {
  title: 'The connection file',
  rows: [
    {
      name: 'a brace is missing',
      made: 'the file ends before its last brace',
      check: 'file',
      code: 'config.syntax',
      connection: (stage) => file(stage, header(stage)).replace('auth {', 'auth { {'),
      says: [/site\.conf:\d+/],
    },
    {
      name: 'YAML with a tab',
      made: 'a connection in YAML, indented by a tab',
      check: 'file',
      code: 'config.syntax',
      fileName: 'site.yaml',
      connection: () => 'name: Site\ncode: site\nconnection:\n\turl: https://localhost\n',
      says: [/site\.yaml:\d+/],
    },
    {
      name: 'the code is missing',
      made: 'no line `code`',
      check: 'file',
      code: 'config.missing_key',
      connection: (stage) => file(stage, header(stage)).replace('code = site\n', ''),
      says: ['code'],
    },
    {
      name: 'an unknown way to log in',
      made: '`auth.type = kerberos`',
      check: 'file',
      code: 'config.invalid',
      connection: (stage) => file(stage, jwt(stage).replace('type = jwt', 'type = kerberos')),
      says: ['auth.type'],
    },
    {
      name: 'the address is none',
      made: '`connection.url` without `https://`',
      check: 'file',
      code: 'config.invalid',
      connection: (stage) => file(stage, header(stage, { url: 'qlik.example.test' })),
      says: ['connection.url'],
    },
    {
      name: 'a trust store that is not there',
      made: '`tls.truststore.path` names no file',
      check: 'file',
      code: 'config.unreadable',
      connection: (stage) => withTrust(stage, 'nowhere.pem'),
      says: ['trust'],
    },
    {
      name: 'a trust store that may not be read',
      made: 'the file is a link that leads nowhere, as on a share that is gone',
      check: 'file',
      code: 'config.unreadable',
      connection: (stage) => {
        symlinkSync(join(stage.folder, 'gone'), join(stage.folder, 'ca.pem'));
        return withTrust(stage, 'ca.pem');
      },
    },
    {
      name: 'the password of a trust store is wrong (PKCS12)',
      made: 'a store of keytool, another password',
      check: 'file',
      code: 'config.store_password',
      connection: (stage) => withTrust(stage, store('keytool-modern.p12'), password('canary-wrong')),
      says: ['tls.truststore.password'],
    },
    {
      name: 'the password of a trust store is wrong (JKS)',
      made: 'a store of keytool, another password',
      check: 'file',
      code: 'config.store_password',
      connection: (stage) => withTrust(stage, store('keytool.jks'), password('canary-wrong')),
      says: ['tls.truststore.password'],
    },
    {
      name: 'the password of a trust store is missing',
      made: 'a locked store, no `tls.truststore.password`',
      check: 'file',
      code: 'config.missing_key',
      connection: (stage) => withTrust(stage, store('keytool-modern.p12')),
      says: ['tls.truststore.password'],
    },
    {
      name: 'an empty trust store',
      made: 'a JKS store without entries',
      check: 'file',
      code: 'config.store_empty',
      connection: (stage) => withTrust(stage, stage.write('empty.jks', jksOf([])), password(PASSWORD)),
      says: ['no certificate of an authority'],
    },
    {
      name: 'a trust store that is no store',
      made: 'some other file under that name',
      check: 'file',
      code: 'config.invalid',
      connection: (stage) => withTrust(stage, stage.write('ca.pem', 'not a certificate\n')),
    },
    {
      name: 'the client certificate is not there',
      made: 'the exported folder was not copied',
      check: 'file',
      code: 'config.unreadable',
      connection: (stage) => file(stage, withPaths(stage, 'nowhere/client.pem', certificates(stage).clientKeyPath)),
      says: ['client certificate'],
    },
    {
      name: 'the client certificate is no certificate',
      made: 'a PEM file whose content is broken',
      check: 'file',
      code: 'tls.client_certificate',
      connection: (stage) => {
        const broken = text(certificates(stage).clientPath).replace(/\n[\w+/]{20}/, '\n!!!!');
        return file(stage, withPaths(stage, stage.write('client.pem', broken), certificates(stage).clientKeyPath));
      },
    },
    {
      name: 'certificate and key belong to different exports',
      made: 'the key of another pair',
      check: 'file',
      code: 'tls.client_certificate',
      connection: (stage) =>
        file(stage, certificate(stage, { pair: { cert: stage.site.pki.clientPem, key: stage.site.pki.jwtKeyPem } })),
      says: ['does not belong'],
    },
    {
      name: 'the client certificate has expired',
      made: 'an export of years ago',
      check: 'file',
      code: 'tls.client_certificate_expired',
      connection: (stage) => file(stage, certificate(stage, { pair: stage.site.pki.client('expired') })),
      says: [/expired/],
    },
    {
      name: 'the password of a PFX is wrong',
      made: 'client.pfx, another password',
      check: 'file',
      code: 'config.store_password',
      connection: (stage) => file(stage, certificate(stage, { block: byPfx(stage, 'canary-wrong') })),
      says: ['password'],
    },
    {
      name: 'a folder instead of a key',
      made: '`certificate.key_path` names a folder',
      check: 'file',
      code: 'config.unreadable',
      connection: (stage) => {
        mkdirSync(join(stage.folder, 'keys'));
        return file(stage, withPaths(stage, certificates(stage).clientPath, 'keys'));
      },
    },
    {
      name: 'the file of the token is not there',
      made: '`auth.token_file` names no file',
      check: 'file',
      code: 'config.unreadable',
      connection: (stage) => file(stage, jwt(stage).replace(/token = .* \}/, 'token_file = "nowhere.jwt" }')),
      says: ['token'],
    },
    {
      name: 'the key that signs tokens is none',
      made: '`auth.jwt.key_path` names the certificate',
      check: 'file',
      code: 'config.invalid',
      connection: (stage) => file(stage, signedJwt(stage, stage.site.pki.jwtCertificatePem)),
      says: ['key'],
    },
    {
      name: 'the value comes from a variable that is not set',
      made: `\`value = ${NOT_SET}\``,
      check: 'file',
      code: 'config.missing_key',
      connection: (stage) => file(stage, header(stage).replace(/value = .* \}/, `value = ${NOT_SET} }`)),
      says: ['connection.auth.value'],
    },
    {
      name: 'the user of a ticket is missing',
      made: 'no `auth.user_id`',
      check: 'file',
      code: 'config.missing_key',
      connection: (stage) => file(stage, ticket(stage).replace(/user_id = .*/, '')),
      says: ['user_id'],
    },
  ],
};

/** A JKS store of this authority, under the name of a PKCS12 store. */
export const jksNamedP12 = (stage: Stage): string => {
  const root = new X509Certificate(text(certificates(stage).rootPath)).raw;
  return truststore(stage.write('truststore.p12', jksOf([root])), password(PASSWORD));
};
