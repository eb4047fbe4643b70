import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeChecks } from '#catalog/jobs/checks.ts';
import { expireLeases } from '#catalog/jobs/sweep.ts';
import { deleteConnection, listConnections } from '#catalog/store/connections.ts';
import { cancelJob } from '#catalog/store/jobs.ts';
import { Fault } from '#protocol/errors.ts';
import { check, connectionState, settings, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const failed = (id: string) =>
  check(id, { status: 'fail', code: 'tls.untrusted', seen: 'The issuer is not known.', advice: 'Add it.' });

const runOut = async (jobId: string): Promise<void> => {
  await world.sql`update attempt set lease_expires_at = now() - interval '1 second' where job_id = ${jobId}`;
  await expireLeases(world.sql);
};

describe('the checks of a test', () => {
  test('are there as soon as they came, in their order, and the job ends well though one failed', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }]);
    expect((await world.state(place.organisationId, job.id)).test).toEqual({
      passed: 0,
      warned: 0,
      failed: 0,
      skipped: 0,
      failure: null,
    });
    for (const one of ['file', 'dns']) {
      await stream.publish([check(one, one === 'dns' ? { code: 'tls.expired', advice: 'Look at it.' } : {})]);
      expect((await world.checks(place.organisationId, job.id)).at(-1)).toBe(one);
    }
    await stream.publish([failed('tls'), check('authentication', { status: 'skip', seen: 'No TLS.' })]);
    expect(await stream.finish()).toMatchObject({ result: 'closed' });
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file', 'dns', 'tls', 'authentication']);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      kind: 'test',
      state: 'published',
      error: null,
      test: {
        passed: 2,
        warned: 1,
        failed: 1,
        skipped: 1,
        failure: { target: 'connection', check: 'tls', code: 'tls.untrusted', seen: 'The issuer is not known.' },
      },
    });
    const [connection] = await listConnections(world.sql, place.organisationId, 'prod');
    expect(connection).toMatchObject({ lastJob: null, lastTest: { id: job.id, test: { failed: 1 } } });
  });

  test('publish no scope and remove nothing', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', []));
    await stream.finish();
    const before = await world.counts(place.organisationId);
    const { job, stream: tested } = await world.diagnosis(place, 'prod');
    await tested.publish([{ t: 'test' }, check('file')]);
    await tested.finish();
    expect(await world.counts(place.organisationId)).toEqual(before);
    expect(await world.scopes(place.organisationId, job.id)).toEqual([]);
  });

  test('a catalog that is restarted in the middle neither loses nor doubles them', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file')]);
    await stream.publish([check('dns')]);
    await world.restart();
    // As if nothing of it had been noted as done: every batch that is left is read again.
    const { session } = await place.agent.open(world.backend, [stream.held]);
    const after = TestStream.resume(world.backend, session, stream);
    await after.publish([check('tcp')]);
    expect(await after.finish()).toMatchObject({ result: 'closed' });
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file', 'dns', 'tcp']);
  });

  test('a batch that is read again, or late, changes nothing', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    const first = [{ t: 'test' } as const, check('file'), check('dns')];
    await stream.publish(first);
    const lines = first.map((record) => Buffer.from(`${JSON.stringify(record)}\n`));
    const ref = { organisationId: place.organisationId, connection: 'prod', kind: 'test', ...stream.lease };
    const again = () => world.sql.begin((tx) => storeChecks(tx, ref, 1, lines));
    await again();
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file', 'dns']);
    // The agent was killed, and began the list afresh.
    await stream.publish([{ t: 'test' }, check('tcp')]);
    await again();
    expect(await world.checks(place.organisationId, job.id)).toEqual(['tcp']);
  });

  test('an attempt that goes on after a crash of its agent shows one list, not two', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file'), failed('dns')]);
    const { session, jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'continue' }]);
    const after = TestStream.resume(world.backend, session, stream);
    await after.publish([{ t: 'test' }, check('file')]);
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file']);
    await after.publish([check('dns')]);
    await after.finish();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      attempt: 1,
      state: 'published',
      test: { passed: 2, failed: 0, failure: null },
    });
  });

  test('the next attempt begins a list of its own, and the lost one adds nothing to it', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file'), failed('dns')]);
    await runOut(job.id);
    const second = await TestStream.begin(world.backend, place.session);
    expect(second.lease).toMatchObject({ jobId: job.id, attempt: 2 });
    expect(await world.checks(place.organisationId, job.id)).toEqual([]);
    await second.publish([{ t: 'test' }, check('file')]);
    expect((await stream.send([check('tcp')])).result).toBe('lost');
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file']);
  });

  test('what came before a cancel stays', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file')]);
    await cancelJob(world.sql, place.organisationId, job.id);
    const { session } = place;
    expect((await world.backend.renew(session, [stream.lease])).cancelled).toHaveLength(1);
    await stream.finish({ result: 'cancelled' });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'cancelled', test: { passed: 1 } });
  });

  test('are counted apart from what Qlik needs, which is kept beside them', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file'), settings('Rule', { mends: true }), settings('Proxy')]);
    await stream.publish([check('dns', { target: 'link' })]);
    await stream.finish();
    expect(await world.settings(place.organisationId, job.id)).toEqual(['Rule', 'Proxy']);
    expect(await world.checks(place.organisationId, job.id)).toEqual(['file', 'dns']);
    expect((await world.state(place.organisationId, job.id)).test).toEqual({
      passed: 2,
      warned: 0,
      failed: 0,
      skipped: 0,
      failure: null,
    });
  });

  test('and what Qlik needs are one list, however often it is read, begun afresh or done again', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    const titles = () => world.settings(place.organisationId, job.id);
    const first = [{ t: 'test' } as const, check('file'), settings('First')];
    await stream.publish(first);
    const lines = first.map((record) => Buffer.from(`${JSON.stringify(record)}\n`));
    const ref = { organisationId: place.organisationId, connection: 'prod', kind: 'test', ...stream.lease };
    const again = () => world.sql.begin((tx) => storeChecks(tx, ref, 1, lines));
    await again();
    expect(await titles()).toEqual(['First']);
    await stream.publish([{ t: 'test' }, check('file'), settings('Afresh')]);
    await again();
    expect(await titles()).toEqual(['Afresh']);
    await runOut(job.id);
    const second = await TestStream.begin(world.backend, place.session);
    expect(await titles()).toEqual([]);
    await second.publish([{ t: 'test' }, check('file'), settings('Second attempt')]);
    expect((await stream.send([settings('Late')])).result).toBe('lost');
    // Whoever took the lost attempt's batch before has no right to it any more.
    await again();
    expect(await titles()).toEqual(['Second attempt']);
  });

  test('go with their connection', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }, check('file'), settings('Rule')]);
    await expect(deleteConnection(world.sql, place.organisationId, 'prod')).rejects.toThrow(
      'A test of prod is running.',
    );
    await stream.finish();
    await deleteConnection(world.sql, place.organisationId, 'prod');
    const [left] = await world.sql`select from job_check where organisation_id = ${place.organisationId}`;
    expect(left).toBeUndefined();
    const [rest] = await world.sql`select from job_settings where organisation_id = ${place.organisationId}`;
    expect(rest).toBeUndefined();
  });
});

describe('a stream that is no test', () => {
  const many = Array.from({ length: 101 }, (_, n) => check(`check-${n}`));
  const large = Array.from({ length: 40 }, (_, n) =>
    check(`check-${n}`, { details: Array.from({ length: 60 }, () => 'x'.repeat(300)) }),
  );
  test.each([
    ['a scope', [{ t: 'test' } as const, ...siteRecords('prod', [])], /does not belong into a test/],
    ['a check before the list was opened', [check('file')], /before the list was opened/],
    ['more checks than any test has', [{ t: 'test' } as const, ...many], /100 checks/],
    ['more text than any test has', [{ t: 'test' } as const, ...large], /512 KiB/],
    ['settings before the list was opened', [settings('Rule')], /before the list was opened/],
    [
      'more settings than any connection needs',
      [{ t: 'test' } as const, ...Array.from({ length: 21 }, (_, n) => settings(`Form ${n}`))],
      /20 settings/,
    ],
    ['a record that nobody asked for', [{ t: 'test' } as const, '{"t":"remedy"}'], /cannot be read/],
    ['a check without a status', [{ t: 'test' } as const, '{"t":"check"}'], /cannot be read/],
    ['U+0000', [{ t: 'test' } as const, check('file', { seen: 'a\0b' })], /U\+0000/],
    [
      'a check with a text beyond all bounds',
      [{ t: 'test' } as const, check('f', { seen: 'x'.repeat(2_001) })],
      /seen/,
    ],
  ])('with %s is refused, and the job says why', async (_, records, reason) => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish(records);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'cancelling' });
    await stream.finish({ result: 'cancelled' });
    const { state, error } = await world.state(place.organisationId, job.id);
    expect([state, error?.code]).toEqual(['failed', 'bridge.protocol']);
    expect(error?.message).toMatch(reason);
    expect(await world.scopes(place.organisationId, job.id)).toEqual([]);
    expect(await world.checks(place.organisationId, job.id)).toEqual([]);
    expect(await world.settings(place.organisationId, job.id)).toEqual([]);
  });

  test.each([
    ['checks', [{ t: 'test' } as const, check('file')]],
    ['settings', [settings('Rule')]],
  ])('nor may a crawl have %s', async (_, records) => {
    const place = await world.enter('prod');
    const { job, stream } = await world.crawl(place, 'prod');
    await stream.publish(records);
    await stream.finish({ result: 'cancelled' });
    expect((await world.state(place.organisationId, job.id)).error).toMatchObject({ code: 'bridge.protocol' });
  });

  test('an end without a check is no end', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await stream.publish([{ t: 'test' }]);
    await stream.finish();
    const { state, error } = await world.state(place.organisationId, job.id);
    expect([state, error?.message]).toEqual(['failed', 'The test ended without a check.']);
  });
});

describe('a test beside other jobs', () => {
  test('runs beside a crawl of the same connection, but not beside another test of it', async () => {
    const place = await world.enter('prod');
    const { job: crawl } = await world.crawl(place, 'prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    const second = await world.test(place.organisationId, 'prod');
    expect(second.id).not.toBe(job.id);
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect((await world.state(place.organisationId, second.id)).waiting).toBe(
      'Another test of this connection is still running.',
    );
    await stream.publish([{ t: 'test' }, check('file')]);
    await stream.finish();
    expect((await world.backend.claim(place.session))?.jobId).toBe(second.id);
    expect((await world.state(place.organisationId, crawl.id)).state).toBe('running');
  });

  test('has a place though the agent has all the crawls that it may', async () => {
    const place = await world.enter('a', 'b', 'c');
    for (const code of ['a', 'b']) await world.crawl(place, code);
    await world.job(place.organisationId, 'c');
    expect(await world.backend.claim(place.session)).toBeUndefined();
    for (const code of ['c', 'a']) await world.diagnosis(place, code);
    await world.test(place.organisationId, 'b');
    expect(await world.backend.claim(place.session)).toBeUndefined();
  });

  test('goes on after its lease ran out, though a crawl of the connection began meanwhile', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    await runOut(job.id);
    await world.sql`update job set not_before = now() + interval '1 hour' where id = ${job.id}`;
    await world.crawl(place, 'prod');
    expect((await world.backend.renew(place.session, [stream.lease])).lost).toEqual([]);
    expect((await world.state(place.organisationId, job.id)).state).toBe('running');
  });

  test('asking twice while one waits gives the one that waits; a crawl that waits is another job', async () => {
    const place = await world.enter('prod');
    const crawl = await world.job(place.organisationId, 'prod');
    const first = await world.test(place.organisationId, 'prod');
    expect(first.id).not.toBe(crawl.id);
    expect((await world.test(place.organisationId, 'prod')).id).toBe(first.id);
  });
});

describe('a connection that cannot be crawled', () => {
  test.each([
    ['broken', { state: 'error', inForce: null } as const],
    ['disabled', { state: 'disabled' } as const],
  ])('because its file is %s is tested all the same', async (_, status) => {
    const place = await world.enter();
    place.agent.connections = [connectionState('prod', status)];
    const { session } = await place.agent.open(world.backend);
    const job = await world.test(place.organisationId, 'prod');
    expect(job.waiting).toBeNull();
    expect((await world.backend.claim(session))?.jobId).toBe(job.id);
  });

  test('because its file is gone is not tested either', async () => {
    const place = await world.enter('prod');
    const queued = await world.test(place.organisationId, 'prod');
    place.agent.connections = [];
    const { session } = await place.agent.open(world.backend);
    expect(await world.backend.claim(session)).toBeUndefined();
    expect((await world.state(place.organisationId, queued.id)).waiting).toMatch(/file is gone/);
    await cancelJob(world.sql, place.organisationId, queued.id);
    await expect(world.test(place.organisationId, 'prod')).rejects.toMatchObject({ code: 'job.unknown_connection' });
  });

  test('an agent that does not know tests says so, and the job ends', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await world.diagnosis(place, 'prod');
    const error = new Fault('job.unknown_kind', 'This agent does not know jobs of kind test').toJSON();
    await world.backend.reject(place.session, stream.lease, error);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'job.unknown_kind', advice: expect.stringContaining('Update the agent') },
    });
  });
});
