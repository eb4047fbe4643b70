import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crawlJob } from '#agent/commands/crawl-job.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { ConnectionFolder } from '#config/folder.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { connectionFile } from '../config/watching.ts';
import { faultOf } from '../fault-of.ts';

let root: string;
let folder: ConnectionFolder;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'culvert-crawl-job-'));
  await writeFile(join(root, 'off.conf'), connectionFile('off', 'enabled = false'));
  await writeFile(join(root, 'broken.conf'), connectionFile('broken', 'crawl.engine_sessions = 40'));
  folder = new ConnectionFolder({ folder: root, env: {} });
  await folder.start();
});
afterAll(async () => {
  await folder?.close();
  await rm(root, { recursive: true, force: true });
});

/** Nothing may be written for a job that cannot begin. */
const refusal = (connection: string) => {
  const spec: JobSpec = { jobId: 'job-1', connection, kind: 'crawl', options: {}, createdAt: '2026-01-01T00:00:00Z' };
  const write = (): Promise<void> => Promise.reject(new Error('something was written'));
  const context = { signal: new AbortController().signal, skipScopes: new Set<string>(), onProgress: () => undefined };
  return faultOf(crawlJob(folder, new Dialer(), SILENT).run(spec, { write, flush: write }, context));
};

test('a connection that no file has is named', async () => {
  const fault = await refusal('nowhere');
  expect(fault).toMatchObject({ code: 'job.unknown_connection', retryable: false });
  expect(fault.message).toContain('nowhere');
});

test('a connection that is switched off names the file and the key', async () => {
  const fault = await refusal('off');
  expect(fault).toMatchObject({ code: 'job.connection_invalid' });
  expect(fault.advice).toContain('enabled = true in off.conf');
});

test('a connection whose file was never good says what is wrong with it', async () => {
  const fault = await refusal('broken');
  expect(fault).toMatchObject({ code: 'job.connection_invalid' });
  expect(fault.message).toMatch(/broken\.conf.*crawl\.engine_sessions/);
});
