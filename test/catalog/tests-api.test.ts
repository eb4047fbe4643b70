import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Check, Connection, Job, QlikSettings } from '#catalog/api/contract.ts';
import { check, connectionState, settings, TestStream } from './agent.ts';
import { eventually } from './database.ts';
import { Served } from './served.ts';

let served: Served;
let own: Awaited<ReturnType<Served['organisation']>>;
let crawled: Awaited<ReturnType<Served['crawled']>>;
beforeAll(async () => {
  served = await Served.open();
  own = await served.organisation('Ours', 'us@example.com');
  crawled = await served.crawled(own.organisationId, 'prod', {});
});
afterAll(() => served?.[Symbol.asyncDispose]());

const JOBS = '/api/v1/connections/prod/jobs';
const checksOf = async (id: string): Promise<readonly Check[]> =>
  (await own.client.get<{ items: Check[] }>(`/api/v1/jobs/${id}/checks`)).body.items;

test('a browser needs the CSRF token of its login to ask for a test, a program its API token', async () => {
  const browser = await served.browser('us@example.com');
  const ask = (headers: Record<string, string>) => browser.ask<Job>('POST', JOBS, { kind: 'test' }, headers);
  expect(await ask({})).toMatchObject({ status: 403, body: { code: 'api.csrf' } });
  expect((await served.anonymous.ask('POST', JOBS, { kind: 'test' })).status).toBe(401);
  const made = await ask({ 'x-csrf-token': browser.csrf });
  expect(made).toMatchObject({ status: 201, body: { kind: 'test', state: 'queued', test: { passed: 0 } } });
  // The one that waits is given to whoever asks for the same; what asks for more waits behind it.
  const again = await own.client.ask<Job>('POST', JOBS, { kind: 'test', options: { link: false } });
  expect([again.status, again.body.id]).toEqual([200, made.body.id]);
  const other = await own.client.ask<Job>('POST', JOBS, { kind: 'test', options: { link: true } });
  expect(other).toMatchObject({ status: 201, body: { options: { link: true } } });
  for (const { id } of [made.body, other.body]) await own.client.ask('POST', `/api/v1/jobs/${id}/cancel`);
});

test('what is asked for reaches the agent as signed text, with its options', async () => {
  const { body } = await own.client.ask<Job>('POST', JOBS, { kind: 'test', options: { link: true } });
  const offer = await crawled.backend.claim(crawled.session);
  expect(JSON.parse(offer?.spec ?? '{}')).toMatchObject({
    jobId: body.id,
    connection: 'prod',
    kind: 'test',
    // This catalog can read what Qlik needs, and says so.
    options: { link: true, settings: true },
  });
  if (!offer) throw new Error('no offer');
  await crawled.backend.accept(crawled.session, offer);
  const stream = new TestStream(crawled.backend, crawled.session, offer);
  await stream.publish([{ t: 'test' }, check('file')]);
  await stream.finish();
});

test('each check is told by an event and shown at once; the connection has the verdict, beside its last crawl', async () => {
  const stop = new AbortController();
  const events = await fetch(`${own.client.address}/api/v1/events`, {
    headers: own.client.headers,
    signal: stop.signal,
  });
  let heard = '';
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  void (async () => {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) heard += part.value;
  })().catch(() => {});
  const { body: job } = await own.client.ask<Job>('POST', JOBS, { kind: 'test' });
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  const told = () => heard.split(`"id":"${job.id}"`).length;
  await stream.publish([{ t: 'test' }, check('file', { details: ['one', 'two'], durationMs: 7 })]);
  await eventually(async () => told() > 1);
  expect(await checksOf(job.id)).toEqual([
    {
      target: 'connection',
      check: 'file',
      status: 'pass',
      seen: 'file is well.',
      code: null,
      advice: null,
      details: ['one', 'two'],
      durationMs: 7,
    },
  ]);
  const before = told();
  await stream.publish([check('dns', { status: 'fail', code: 'network.dns', seen: 'No such name.', advice: 'Look.' })]);
  await eventually(async () => told() > before);
  await stream.finish();
  stop.abort();
  const { body } = await own.client.get<Connection>('/api/v1/connections/prod');
  expect(body.lastJob).toMatchObject({ id: crawled.job.id, kind: 'crawl', test: null });
  expect(body.lastTest).toMatchObject({
    id: job.id,
    state: 'published',
    finishedAt: expect.any(String),
    test: { passed: 1, failed: 1, failure: { check: 'dns', code: 'network.dns', seen: 'No such name.' } },
  });
  expect(await checksOf(crawled.job.id)).toEqual([]);
});

test('what Qlik needs is given with the checks, and described by the OpenAPI document', async () => {
  const { body: job } = await own.client.ask<Job>('POST', JOBS, { kind: 'test' });
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  const list = async () =>
    (await own.client.get<{ items: Check[]; settings: QlikSettings[] }>(`/api/v1/jobs/${job.id}/checks`)).body;
  await stream.publish([{ t: 'test' }, check('file')]);
  expect((await list()).settings).toEqual([]);
  const fields = [
    { name: 'Resource filter', value: 'Stream_*, App*' },
    { name: 'Conditions', value: 'user.userId="ann"' },
  ];
  await stream.publish([settings('QMC > Security rules', { mends: true, fields }), settings('QMC > Virtual proxies')]);
  await stream.finish();
  const { items, settings: shown } = await list();
  expect(items).toHaveLength(1);
  expect(shown).toEqual([
    { title: 'QMC > Security rules', mends: true, fields },
    { title: 'QMC > Virtual proxies', mends: false, fields: [{ name: 'Actions', value: 'Read' }] },
  ]);
  const { body } = await own.client.get<{ components: { schemas: Record<string, { properties: object }> } }>(
    '/api/openapi.json',
  );
  expect(Object.keys(body.components.schemas['QlikSettings']?.properties ?? {})).toEqual(['title', 'mends', 'fields']);
});

test('a disabled connection refuses a crawl and takes a test; one whose file is gone refuses both', async () => {
  const { agent, backend } = crawled;
  agent.connections = [connectionState('prod', { state: 'disabled' })];
  await agent.open(backend);
  expect((await own.client.ask('POST', JOBS, { kind: 'crawl' })).body).toMatchObject({
    code: 'job.connection_invalid',
  });
  const { body } = await own.client.ask<Job>('POST', JOBS, { kind: 'test' });
  expect(body.state).toBe('queued');
  await own.client.ask('POST', `/api/v1/jobs/${body.id}/cancel`);
  agent.connections = [];
  await agent.open(backend);
  for (const kind of ['crawl', 'test'])
    expect(await own.client.ask('POST', JOBS, { kind })).toMatchObject({
      status: 404,
      body: { code: 'job.unknown_connection', advice: expect.stringContaining('Put the file back') },
    });
});
