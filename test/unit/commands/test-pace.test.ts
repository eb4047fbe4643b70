import { expect, test } from 'vitest';
import { testJob } from '#agent/commands/test-job.ts';
import { TestPace } from '#agent/commands/test-pace.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { connectionState } from '../../catalog/agent.ts';
import { faultOf } from '../fault-of.ts';

/** Tests of an agent with two connections, and its clock. */
const agent = () => {
  let nowMs = 0;
  let diagnosed = 0;
  const folder = { states: () => [connectionState('prod'), connectionState('dev')] };
  const working = Promise.withResolvers<void>();
  let slow = false;
  const diagnose = async () => {
    diagnosed += 1;
    if (slow) await working.promise;
  };
  const handler = testJob(folder, diagnose, SILENT, new TestPace(() => nowMs));
  const sink = { write: () => Promise.resolve(), flush: () => Promise.resolve() };
  const context = { signal: new AbortController().signal, skipScopes: new Set<string>(), onProgress: () => undefined };
  const run = (connection: string): Promise<void> =>
    handler.run({ jobId: 'job', connection, kind: 'test', options: {}, createdAt: '' }, sink, context);
  return {
    run,
    pass: (ms: number) => {
      nowMs += ms;
    },
    diagnosed: () => diagnosed,
    slowly: () => {
      slow = true;
      return working.resolve;
    },
  };
};

test('after a test its connection rests, the others do not', async () => {
  const { run, pass, diagnosed } = agent();
  await run('prod');
  pass(9_000);
  const fault = await faultOf(run('prod'));
  expect(fault).toMatchObject({
    code: 'job.too_soon',
    retryable: true,
    message: expect.stringContaining('again in 1 s'),
  });
  await run('dev');
  pass(1_000);
  await run('prod');
  expect(diagnosed()).toBe(3);
});

test('no connection is tested more than 60 times in any hour', async () => {
  const { run, pass, diagnosed } = agent();
  for (let at = 0; at < 60; at += 1) {
    await run('prod');
    pass(10_000);
  }
  expect(await faultOf(run('prod'))).toMatchObject({
    code: 'job.too_soon',
    message: expect.stringContaining('again in 3000 s'),
  });
  pass(3_000_000);
  await run('prod');
  expect(diagnosed()).toBe(61);
  expect(await faultOf(run('prod'))).toMatchObject({ code: 'job.too_soon' });
});

test('two tests of one connection never run side by side', async () => {
  const { run, slowly } = agent();
  const end = slowly();
  const first = run('prod');
  expect(await faultOf(run('prod'))).toMatchObject({ code: 'job.connection_busy', retryable: true });
  end();
  await first;
});
