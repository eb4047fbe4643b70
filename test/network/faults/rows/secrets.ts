import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { seal } from '#config/secrets/sealed.ts';
import { file, header } from '../connections.ts';
import type { FaultRow, Group } from '../row.ts';
import { closedPort, webServer } from '../servers.ts';
import type { Stage } from '../stage.ts';

/** What HOCON takes from a secret; built, so that nobody takes it for a template of this language. */
const reference = (field: string): string => ['$', `{secret_manager.${field}}`].join('');

/** A header connection whose value stands elsewhere. */
const from = (stage: Stage, value: string, more = ''): string =>
  file(stage, header(stage).replace(/value = .* \}/, `value = ${value} }`), more);
const quoted = (text: string): string => JSON.stringify(text);
const asking = (stage: Stage, field = 'user', key = 'qlik'): string =>
  from(stage, reference(field), `secret_manager { enabled = true, key = ${key} }`);

/** The agent's settings, with the block that says where secrets are. */
const settings = (stage: Stage, block: string): void => {
  stage.write(
    'agent.conf',
    `gateway.url = "wss://localhost:1"\nstate = ${quoted(join(stage.folder, 'state'))}\n${block}\n`,
  );
};
const byFile = (stage: Stage, content: string | undefined): void => {
  if (content !== undefined) stage.write('secrets.conf', content);
  settings(stage, 'secret_manager { provider = file, configuration.file_path = secrets.conf }');
};
const byVault = (stage: Stage, port: number): void =>
  settings(
    stage,
    `secret_manager {
  provider = vault
  configuration { url = "https://localhost:${port}", auth.token = canary-token }
  tls.truststore.path = ${quoted(stage.site.addresses.certificates.rootPath)}
}`,
  );

export const secrets: Group<FaultRow> = {
  title: 'Secrets',
  rows: [
    {
      name: 'the file of a secret is not there',
      made: '`value = "file:…"` names no file',
      check: 'secrets',
      code: 'secrets.file_unreadable',
      connection: (stage) => from(stage, '"file:nowhere.txt"'),
      says: ['connection.auth.value', 'does not exist'],
    },
    {
      name: 'no secret manager is described',
      made: '`secret_manager.enabled = true`, and nothing of it in agent.conf',
      check: 'secrets',
      code: 'secrets.not_configured',
      connection: (stage) => asking(stage),
      says: ['agent.conf'],
    },
    {
      name: 'the file of the secret manager is not there',
      made: '`configuration.file_path` names no file',
      check: 'secrets',
      code: 'secrets.unreachable',
      connection: (stage) => {
        byFile(stage, undefined);
        return asking(stage);
      },
      says: ['secrets.conf'],
    },
    {
      name: 'the file of the secret manager is broken',
      made: 'a brace too few',
      check: 'secrets',
      code: 'secrets.invalid',
      connection: (stage) => {
        byFile(stage, 'qlik { user = "canary"\n');
        return asking(stage);
      },
      says: ['secrets.conf'],
    },
    {
      name: 'the secret manager does not have the secret',
      made: 'another name than that of the secret',
      check: 'secrets',
      code: 'secrets.missing',
      connection: (stage) => {
        byFile(stage, 'qlik-test { user = "canary" }\n');
        return asking(stage);
      },
      says: ['qlik-test'],
    },
    {
      name: 'the secret lacks the field',
      made: 'another name than that of the field',
      check: 'secrets',
      code: 'secrets.missing',
      connection: (stage) => {
        byFile(stage, 'qlik { username = "canary" }\n');
        return asking(stage);
      },
      says: ['field', 'username'],
    },
    {
      name: 'Vault is not reached',
      made: 'a port that is closed',
      check: 'secrets',
      code: 'secrets.unreachable',
      connection: async (stage) => {
        byVault(stage, await closedPort());
        return asking(stage);
      },
      says: ['Vault at https://localhost'],
    },
    {
      name: 'Vault refuses the token',
      made: 'HTTP 403, as for a token that has expired',
      check: 'secrets',
      code: 'secrets.refused',
      connection: async (stage) => {
        const server = createServer(stage.site.pki.server('valid'), (_request, response) =>
          response.writeHead(403, { 'Content-Type': 'application/json' }).end('{"errors":["permission denied"]}'),
        );
        byVault(stage, stage.keep(await webServer(server)).port);
        return asking(stage);
      },
      says: ['Vault', 'token'],
    },
    {
      name: 'the value was encrypted by another key',
      made: '`encrypted:v1:…` of another machine',
      check: 'secrets',
      code: 'secrets.undecryptable',
      connection: (stage) => {
        settings(stage, '');
        new KeyFile(join(stage.folder, 'state')).obtain();
        return from(stage, quoted(seal(new Secret('canary-value'), randomBytes(32))));
      },
      says: ['culvert encrypt'],
    },
    {
      name: 'the key of encrypted values is gone',
      made: 'the state folder was lost',
      check: 'secrets',
      code: 'secrets.undecryptable',
      connection: (stage) => {
        settings(stage, '');
        return from(stage, quoted(seal(new Secret('canary-value'), randomBytes(32))));
      },
      says: ['key'],
    },
  ],
};
