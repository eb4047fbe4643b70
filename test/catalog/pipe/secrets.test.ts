import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimulatedSite } from '../../demo/site.ts';
import { headerFile, Setting } from './setting.ts';

const CODE = 'good';
const CANARY = 'canary-of-the-secret-manager';
const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

let setting: Setting;
let site: SimulatedSite;
let secrets: string;

const reference = (name: string): string => `$${`{secret_manager.${name}}`}`;
const write = (user: string, canary = CANARY): Promise<void> =>
  writeFile(secrets, `prod { user = ${JSON.stringify(user)}, canary = ${canary} }\n`, { mode: 0o600 });
const connectionText = (): string =>
  headerFile(site, { code: CODE, further: `tls.truststore.password = ${reference('canary')}` }).replace(
    /auth\.value = .*/,
    () => `auth.value = ${reference('user')}`,
  );

beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(5, 3);
  secrets = join(setting.folder, 'secrets.conf');
  await write(site.addresses.header.headerValue);
}, 180_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

test('a connection lives from a secret manager that agent.conf names, through edits, mistakes and a restart', {
  timeout: 120_000,
}, async () => {
  const { pipe } = setting;
  await setting.drop(`${CODE}.conf`, `${connectionText()}secret_manager { enabled = true, key = prod }\n`);
  const unknown = await pipe.connection(CODE, ({ status }) => status.state === 'error');
  expect(unknown.status.problems).toMatchObject([{ code: 'secrets.not_configured', file: `${CODE}.conf` }]);

  // agent.conf names the manager while the agent runs.
  const settings = join(setting.folder, 'agent.conf');
  await appendFile(settings, 'secret-manager { provider = "file", configuration.file-path = secrets.conf }\n');
  const ready = await pipe.connection(CODE, ({ status }) => status.state === 'ready');
  expect((await pipe.crawl(CODE)).state).toBe('published');

  // A mistake in the file of secrets leaves the connection in force, and says what is wrong.
  await writeFile(secrets, `prod { user = "x", canary = "${CANARY}"" }\n`);
  const broken = await pipe.connection(CODE, ({ status }) => status.state === 'error');
  expect(broken.status).toMatchObject({ inForce: ready.status.inForce, problems: [{ code: 'secrets.invalid' }] });
  expect((await pipe.crawl(CODE)).state).toBe('published');

  // Another value is another version; the same as before is the same, after a restart, too.
  await write(site.addresses.header.headerValue, `${CANARY}-2`);
  await pipe.connection(CODE, ({ status }) => status.state === 'ready' && status.inForce !== ready.status.inForce);
  expect(pipe.agent.tail()).toContain('secret prod changed');
  await write(site.addresses.header.headerValue);
  await pipe.connection(CODE, ({ status }) => status.inForce === ready.status.inForce);
  const told = pipe.agent.tail();
  await pipe.restartAgent();
  expect((await pipe.crawl(CODE)).state).toBe('published');
  const after = await pipe.connection(CODE, ({ status }) => status.state === 'ready');
  expect(after.status.inForce).toBe(ready.status.inForce);

  // An encrypted value in place of it.
  const encrypt = promisify(execFile)(process.execPath, [MAIN, 'encrypt', '--config', settings]);
  encrypt.child.stdin?.end(site.addresses.header.headerValue);
  const sealed = (await encrypt).stdout.trim();
  await setting.drop(
    `${CODE}.conf`,
    headerFile(site, { code: CODE }).replace(/auth\.value = .*/, `auth.value = "${sealed}"`),
  );
  await pipe.connection(CODE, ({ status }) => status.state === 'ready' && status.inForce !== ready.status.inForce);
  expect((await pipe.crawl(CODE)).state).toBe('published');

  const kept = (await readdir(join(setting.folder, 'state'), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  const bytes = await Promise.all(kept.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')));
  expect(kept.map(({ name }) => name)).toContain('secrets.key');
  expect([told, pipe.agent.tail(), JSON.stringify([unknown, ready, broken, after]), ...bytes].join('\n')).not.toContain(
    CANARY,
  );
});
