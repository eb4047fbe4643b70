import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/catalog/database.ts';
import { Api } from '#test/demo/api.ts';
import { type Program, startProgram } from '#test/demo/program.ts';
import { pythonWith } from '#test/network/python.ts';
import { CuttableWay } from './cuttable.ts';
import { enrol, Stranger } from './stranger.ts';

/*
 * An agent in another language, written from PROTOCOL.md alone: what it does right, the document says right. The catalog
 * is the real program with its PostgreSQL.
 */
const python = pythonWith('culvert-stranger', join(import.meta.dirname, 'requirements.txt'), 'The agent in Python');
const CATALOG = join(import.meta.dirname, '../../../catalog/main.ts');
const run = promisify(execFile);

/** What `site_model.py` has, besides the site itself. */
const APPS = 4;
const SHEETS = 12;
/** Both lie in the midst of the record that goes in parts, the second after the crawl began that app afresh. */
const KILLED_AT = 12;
const CUT_AT = 26;

describe.skipIf(python === undefined)('an agent in Python', () => {
  let folder: string;
  let catalog: Program;
  let api: Api;
  let way: CuttableWay;

  const admin = async (...args: string[]): Promise<Record<string, string>> => {
    const { stdout } = await run(process.execPath, [CATALOG, ...args, '--data', join(folder, 'catalog'), '--json']);
    return JSON.parse(stdout) as Record<string, string>;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'culvert-stranger-'));
    await chmod(folder, 0o711); // run as root, PostgreSQL is another user, who must get in
    const serve = ['serve', '--data', join(folder, 'catalog'), '--port', '0', '--init-organisation', 'Stranger'];
    catalog = await startProgram('the catalog', CATALOG, [...serve, '--json'], { readyWithinMs: 120_000 });
    await admin('user', 'add', '--email', 'demo@culvert.example', '--one-time-login');
    const { token } = await admin('token', 'create', '--api', '--name', 'stranger');
    api = new Api(String(catalog.ready['address']), token ?? '');
    way = await CuttableWay.to(Number(new URL(api.address).port));
  }, 240_000);

  afterAll(async () => {
    await way?.[Symbol.asyncDispose]();
    await catalog?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const keysOf = async (connection: string, kind: string): Promise<readonly string[]> => {
    const query = new URLSearchParams({ connection, kind, limit: '500' });
    const { items, next } = await api.get<{ items: { key: string }[]; next: string | null }>(`/api/v1/assets?${query}`);
    expect(next).toBeNull();
    return items.map(({ key }) => key);
  };

  const jobAs = (id: string, state: string) =>
    eventually(async () => {
      const job = await api.job(id);
      return job.state === state && job;
    });

  for (const transport of ['websocket', 'polling'] as const)
    test(`by ${transport}: publishes everything once although killed and cut off, and obeys what it is told`, async () => {
      const connection = `made-up-${transport}`;
      const state = join(folder, transport);
      const tokenFile = join(folder, `${transport}.token`);
      const made = await api.call<{ token: string }>('POST', '/api/v1/enrolment-tokens', {});
      await writeFile(tokenFile, made.token, { mode: 0o600 });
      const agentId = await enrol(python ?? '', state, String(catalog.ready['gateway']), tokenFile);
      const options = { python: python ?? '', state, connection, transport, dial: way.address };

      await using killed = new Stranger({ ...options, holdAtBatch: KILLED_AT });
      await killed.says('session');
      const { id } = await api.startCrawl(connection);
      expect(await killed.says('held')).toMatchObject({ seq: KILLED_AT });
      await killed.until('an ack', (said) => said.some(({ event, seq }) => event === 'acked' && Number(seq) > 0));
      expect(await killed.end('SIGKILL')).toBe('SIGKILL');

      way.cutAfter(150_000);
      await using agent = new Stranger({ ...options, holdAtBatch: CUT_AT });
      await agent.says('held');
      await eventually(async () => way.wasCut);
      if (transport === 'websocket') await agent.says('session', 2);
      way.cut();
      if (transport === 'websocket') await agent.says('disconnected', 2);
      agent.letGo();
      expect(await agent.says('ended')).toMatchObject({ why: 'job.closed' });
      // Requests that failed are made again: a session of long polling outlives its connections.
      expect(agent.said.filter(({ event }) => event === 'session')).toHaveLength(transport === 'websocket' ? 3 : 1);
      expect(await api.job(id)).toMatchObject({ state: 'published', attempt: 1, error: null });

      const counts = { site: 1, stream: 1, app: APPS, sheet: APPS * SHEETS, script: 1 };
      expect((await api.counts(connection)).assets).toEqual(counts);
      const apps = Array.from({ length: APPS }, (_, n) => `${connection}/app-${n}`);
      const sheets = apps.flatMap((app) => Array.from({ length: SHEETS }, (_, n) => `${app}/sheet-${n}`));
      expect((await keysOf(connection, 'app')).toSorted()).toEqual(apps);
      expect((await keysOf(connection, 'sheet')).toSorted()).toEqual(sheets.toSorted());
      const key = new URLSearchParams({ key: `${connection}/app-0/script` });
      const script = await api.get<{ attributes: { text: string; truncated?: boolean } }>(`/api/v1/asset?${key}`);
      expect(script.attributes.truncated).toBeUndefined();
      const lines = script.attributes.text.split('\n');
      expect([lines.length, lines.at(-1)]).toEqual([40_000, expect.stringMatching(/^LET v39999 = '[0-9a-f]{64}';$/)]);

      const unknown = await api.startTest(connection);
      expect((await jobAs(unknown.id, 'failed')).error).toMatchObject({ code: 'job.unknown_kind', retryable: false });

      const { id: unwanted } = await api.startCrawl(connection);
      await agent.says('held', 2);
      await api.call('POST', `/api/v1/jobs/${unwanted}/cancel`);
      expect(await agent.says('ended', 2)).toMatchObject({ why: 'job.closed' });
      await jobAs(unwanted, 'cancelled');
      expect((await api.counts(connection)).assets).toEqual(counts);

      expect(await agent.end('SIGTERM')).toBe(0);
      expect(agent.said.at(-1)).toEqual({ event: 'drained' });
      expect(await readdir(join(state, 'spool'))).toEqual([]);

      await using revoked = new Stranger({ ...options, holdAtBatch: 1 });
      await revoked.says('session');
      await api.call('POST', `/api/v1/agents/${agentId}/revoke`, { confirm: 'stranger' });
      const { code, waitMs } = await revoked.says('disconnected');
      expect(code).toBe(4504);
      expect(Number(waitMs)).toBeGreaterThanOrEqual(150_000);
      expect(await revoked.end('SIGTERM')).toBe(0);
    }, 120_000);
});
