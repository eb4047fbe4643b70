import { expect, test } from 'vitest';
import { JobRunner } from '#agent/bridge/jobs.ts';
import { crawlJob } from '#agent/commands/crawl-job.ts';
import { PolicyInForce } from '#agent/commands/policy.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { Spool } from '#agent/spool/spool.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import type { AgentEvent } from '#protocol/agent-events.ts';
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

test('jobs that are offered all at once are no more than the policy allows in an hour', async () => {
  const at = { file: 'policy.conf', line: 1 };
  const policy = new PolicyInForce({
    file: { type: 'policy', file: 'policy.conf', policy: { jobsPerHour: { value: 1, at } } },
    ofConnection: () => undefined,
    nowMs: () => 0,
    log: SILENT,
  });
  const created: string[] = [];
  const events: AgentEvent[] = [];
  const spool = {
    attempts: [],
    create: ({ jobId }: { jobId: string }) => {
      created.push(jobId);
      return Promise.reject(new Error('no disk'));
    },
  } as unknown as Spool;
  const jobs = new JobRunner({
    spool,
    handlers: { crawl: { run: () => Promise.resolve() } },
    agentId: 'agent',
    verifyJob: () => true,
    policy,
    // As on a disk: it is done later.
    settled: () => new Promise((resolve) => setImmediate(resolve)),
    dispatch: (event) => events.push(event),
    log: { ...SILENT, error: () => undefined },
    timestamp: () => '2026-01-01T00:00:00.000Z',
  });
  for (const jobId of ['a', 'b', 'c', 'd']) {
    const spec = { jobId, connection: 'site', kind: 'crawl', options: {}, createdAt: '2026-01-01T00:00:00.000Z' };
    const offer = { jobId, attempt: 1, leaseToken: 't', leaseTtlMs: 60_000, credit: 1, signature: 's' };
    jobs.perform({
      type: 'record',
      offer: { type: 'job.offer', ...offer, spec: JSON.stringify(spec) },
      stream: 1,
      parts: false,
    });
  }
  await expect.poll(() => events.length).toBe(4);
  expect(created).toEqual(['a']);
});
