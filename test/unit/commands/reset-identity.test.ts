import { generateKeyPairSync } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newKeyPair } from '#agent/bridge/identity.ts';
import { readIdentity, storeIdentity } from '#agent/bridge/identity-file.ts';
import { nameMachine } from '#agent/bridge/machine.ts';
import { lockStateFolder } from '#agent/bridge/state-lock.ts';
import { culvert } from './culvert.ts';

let folder: string;
let state: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-reset-'));
  state = join(folder, 'state');
  await writeFile(join(folder, 'agent.conf'), 'gateway.url = "wss://catalog.example.com"\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const reset = (...more: string[]) => culvert(['reset-identity', '--config', 'agent.conf', ...more], { cwd: folder });

/** A state folder as an agent leaves it behind. */
const fill = async (machine?: string): Promise<void> => {
  const catalogKey = generateKeyPairSync('ed25519')
    .publicKey.export({ format: 'der', type: 'spki' })
    .toString('base64');
  const { privateKey } = newKeyPair();
  await storeIdentity(state, {
    agentId: 'agent-1',
    keyId: 'key-1',
    organisation: 'Acme',
    privateKey,
    catalogKey,
    ...(machine === undefined ? {} : { machine }),
  });
  for (const name of ['spool', 'sessions', 'logs']) {
    await mkdir(join(state, name));
    await writeFile(join(state, name, 'file'), 'canary-content');
  }
  for (const name of ['seen-jobs.json', 'secrets.key', 'connections.json']) await writeFile(join(state, name), '{}');
};

const auditOf = async (): Promise<readonly object[]> =>
  (await culvert(['audit', '--json', '--config', 'agent.conf'], { cwd: folder })).stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);

test('removes the identity and what is bound to it, and says what stays and what comes next', async () => {
  await fill();
  const { code, stdout } = await reset('--yes');
  expect(code).toBe(0);
  expect((await readdir(state)).sort()).toEqual(['audit', 'logs', 'secrets.key']);
  expect(await auditOf()).toMatchObject([{ event: 'identityReset', agent: 'agent-1' }]);
  expect(stdout).toContain('agent agent-1');
  expect(stdout).toContain('revoke it there under Agents');
  expect(stdout).toContain('enroll --config agent.conf');
  expect((await reset('--yes')).stdout).toContain('nothing had to be done');
});

test('asks first: where nobody can answer nothing is removed without --yes', async () => {
  await fill();
  const before = await readdir(state);
  const { code, stderr } = await reset();
  expect(code).toBe(2);
  expect(stderr).toContain('--yes');
  expect(await readdir(state)).toEqual(before);
});

test('refuses while an agent works in the folder', async () => {
  await fill();
  using _lock = await lockStateFolder(state);
  const { code, stderr } = await reset('--yes');
  expect(code).toBe(6);
  expect(stderr).toContain('bridge.already_running');
  expect(await readdir(state)).toContain('identity.json');
});

test('works again after it was interrupted, and on an identity that cannot be read', async () => {
  await fill();
  await writeFile(join(state, 'identity.json'), 'torn');
  expect((await reset('--yes')).code).toBe(0);
  await mkdir(join(state, 'spool'));
  expect((await reset('--yes')).code).toBe(0);
  expect((await readdir(state)).sort()).toEqual(['audit', 'logs', 'secrets.key']);
  const told = { event: 'identityReset', agent: null };
  expect(await auditOf()).toMatchObject([told, told]);
});

test('--same-agent keeps the identity and binds it to this machine', async () => {
  await fill('that of another machine');
  const before = await readIdentity(state);
  const { code, stdout } = await reset('--same-agent');
  expect(code).toBe(0);
  expect(stdout).toContain('Agent agent-1 belongs to this machine');
  const { machine, ...after } = await readIdentity(state);
  expect({ ...after, machine: before.machine }).toEqual(before);
  expect(machine).toBe((await nameMachine())?.('agent-1'));
  expect(await readdir(state)).toContain('spool');
});

test.skipIf(process.getuid?.() !== 0)('root does nothing in the state folder of another user', async () => {
  await fill();
  await chown(state, 12_345, 12_345);
  for (const command of [['reset-identity', '--yes'], ['run'], ['enroll', '--token-file', 'agent.conf']]) {
    const { code, stderr } = await culvert([...command, '--config', 'agent.conf'], { cwd: folder });
    expect(code, command.join(' ')).toBe(4);
    expect(stderr.replace(/\s+/g, ' ')).toContain("sudo -u '#12345'");
  }
  expect(await readdir(state)).not.toContain('lock');
  expect(await readFile(join(state, 'sessions', 'file'), 'utf8')).toBe('canary-content');
});
