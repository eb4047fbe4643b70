import { expect, test } from 'vitest';
import { crawlJob } from '#agent/commands/crawl-job.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import type { JobSpec } from '#protocol/messages.ts';

const context = {
  signal: new AbortController().signal,
  skipScopes: new Set<string>(),
  onProgress: () => undefined,
};
const sink = { write: () => Promise.resolve(), flush: () => Promise.resolve() };

test.each([
  ['a path', '../../etc/passwd'],
  ['a URL', 'https://evil.example.com/'],
  ['an absolute file', '/etc/culvert/agent.conf'],
  ['a name that objects have', '__proto__'],
  ['nothing', ''],
])('a job names connections by code alone: %s is no connection', async (_, connection) => {
  const asked: string[] = [];
  const folder = {
    get: (code: string) => {
      asked.push(code);
      return undefined;
    },
    states: () => [],
  } as unknown as ConnectionFolder;
  const spec: JobSpec = {
    jobId: 'job',
    connection,
    kind: 'crawl',
    // Whatever else it says is data that nobody reads.
    options: { url: 'https://evil.example.com', path: '/etc/passwd', command: 'sh', header: 'X-User: admin' },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  await expect(crawlJob(folder, new Dialer(), SILENT).run(spec, sink, context)).rejects.toMatchObject({
    code: 'job.unknown_connection',
  });
  // It is looked up among the codes that are loaded, and nowhere else.
  expect(asked).toEqual([connection]);
});
