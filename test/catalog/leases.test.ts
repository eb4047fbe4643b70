import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expireLeases } from '#catalog/jobs/sweep.ts';
import { cancelJob, createJob } from '#catalog/store/jobs.ts';
import { MAX_ATTEMPTS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { appRecords, batchOf, connectionState, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** As if the lease had run out and the catalog had noticed. */
const runOut = async (jobId: string): Promise<void> => {
  await world.sql`update attempt set lease_expires_at = now() - interval '1 second' where job_id = ${jobId}`;
  await expireLeases(world.sql);
};

/** How many transactions wait to write an attempt. */
const waitForAttempts = async (): Promise<number> => {
  const waiting = await world.sql`select from pg_locks where relation = 'attempt'::regclass and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  return waiting.length;
};

const retryable = { ...new Fault('network.refused', 'Qlik is not there').toJSON() };
const fatal = { ...new Fault('qlik.unauthorized', 'wrong password').toJSON() };

describe('claims', () => {
  test('the job is signed by the key that the agent pinned', async () => {
    const place = await world.enter('prod');
    const job = await world.job(place.organisationId, 'prod');
    const offer = await world.backend.claim(place.session);
    const key = createPublicKey({
      key: Buffer.from(place.agent.identity.catalogKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, Buffer.from(offer?.spec ?? ''), key, Buffer.from(offer?.signature ?? '', 'base64'))).toBe(true);
    expect(JSON.parse(offer?.spec ?? '')).toMatchObject({
      jobId: job.id,
      agentId: place.session.agentId,
      connection: 'prod',
      kind: 'crawl',
    });
  });

  test('many gateways that claim at once never get one job twice, nor two jobs of one connection', async () => {
    const codes = Array.from({ length: 6 }, (_, i) => `site${i}`);
    const place = await world.enter(...codes);
    for (const code of codes) await world.job(place.organisationId, code);
    const gateways = [world.backend, world.another(), world.another()];
    const offers = await Promise.all(Array.from({ length: 12 }, (_, i) => gateways[i % 3]?.claim(place.session)));
    const claimed = offers.filter((offer) => offer !== undefined);
    expect(new Set(claimed.map((offer) => offer.jobId)).size).toBe(claimed.length);
    expect(claimed.length).toBeGreaterThan(0);
    const [twice] = await world.sql`select job_id from attempt where organisation_id = ${place.organisationId}
      group by job_id having count(*) > 1`;
    expect(twice).toBeUndefined();
  });

  test('a crawl and lineage of one connection that are claimed at once: one is begun, the other waits', async () => {
    const place = await world.enter('prod');
    const asked = { connection: 'prod', kind: 'lineage', createdBy: 'test' } as const;
    const { job: lineage } = await createJob(world.sql, place.organisationId, asked);
    const crawl = await world.job(place.organisationId, 'prod');
    const claims = await world.sql.begin(async (tx) => {
      // Each has chosen its job and none has begun it.
      await tx`lock table attempt in share mode`;
      const both = [world.backend, world.another()].map((gateway) => gateway.claim(place.session));
      await expect.poll(waitForAttempts).toBe(2);
      return { both };
    });
    const offers = (await Promise.all(claims.both)).filter((offer) => offer !== undefined);
    expect(offers).toHaveLength(1);
    const states = await world.sql`select state from job where id in (${lineage.id}, ${crawl.id}) order by state`;
    expect(states).toEqual([{ state: 'leased' }, { state: 'queued' }]);
  });

  test('a second crawl of a connection waits for the first', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    const second = await world.job(place.organisationId, 'prod');
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect((await world.state(place.organisationId, second.id)).waiting).toMatch(/still running/);
    await stream.finish();
    expect((await world.backend.claim(place.session))?.jobId).toBe(second.id);
  });

  test('asking twice while one waits gives the one that waits', async () => {
    const place = await world.enter('prod');
    const first = await createJob(world.sql, place.organisationId, {
      connection: 'prod',
      kind: 'crawl',
      createdBy: 'x',
    });
    const again = await createJob(world.sql, place.organisationId, {
      connection: 'prod',
      kind: 'crawl',
      createdBy: 'x',
    });
    expect([first.created, again.created, again.job.id]).toEqual([true, false, first.job.id]);
  });

  test('the agent is woken when a job is asked for', async () => {
    const place = await world.enter('prod');
    const woken = new Promise<void>((resolve) => world.backend.onWake(place.session, () => resolve()));
    await world.job(place.organisationId, 'prod');
    await woken;
  });

  test('jobs of connections that cannot be used are refused, with the reason', async () => {
    const problem = {
      severity: 'error',
      code: 'config.syntax',
      message: 'line 3: a quote is missing',
      advice: 'x',
      file: 'broken.conf',
    } as const;
    const place = await world.enter();
    place.agent.connections = [
      connectionState('broken', { state: 'error', inForce: null, problems: [problem] }),
      connectionState('held', { state: 'error', problems: [problem] }),
      connectionState('off', { state: 'disabled' }),
    ];
    await world.backend.status(place.session, place.agent.status());
    await expect(world.job(place.organisationId, 'broken')).rejects.toThrow('line 3: a quote is missing');
    await expect(world.job(place.organisationId, 'off')).rejects.toThrow('disabled');
    await expect(world.job(place.organisationId, 'nowhere')).rejects.toThrow('no connection nowhere');
    // The last good version stays in force.
    expect((await world.job(place.organisationId, 'held')).state).toBe('queued');
    expect((await world.backend.claim(place.session))?.spec).toContain('"held"');
  });
});

describe('batches', () => {
  test('a repeat is a duplicate, a gap is a gap, and neither is stored', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    const [first, third] = [batchOf(1, siteRecords('prod', [])), batchOf(3, siteRecords('prod', []))];
    const store = (batch: typeof first) => world.backend.storeBatch(place.session, stream.lease, batch);
    expect(await store(first)).toMatchObject({ result: 'stored', durableSeq: 1 });
    expect(await store(first)).toMatchObject({ result: 'duplicate', durableSeq: 1 });
    expect(await store(third)).toMatchObject({ result: 'gap', durableSeq: 1 });
    const rows = await world.sql`select seq from staged_batch where job_id = ${stream.lease.jobId}`;
    expect(rows.length).toBe(1);
  });

  test('of two that send one batch at once, one stores it', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    const batch = batchOf(1, siteRecords('prod', []));
    const other = world.another();
    const answers = await Promise.all(
      [world.backend, other, world.backend, other].map((b) => b.storeBatch(place.session, stream.lease, batch)),
    );
    expect(answers.map(({ result }) => result).sort()).toEqual(['duplicate', 'duplicate', 'duplicate', 'stored']);
    await other.close();
  });

  test('an older session of the agent can do nothing any more', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const { session: newer } = await place.agent.open(world.backend, [stream.held]);
    const batch = batchOf(1, siteRecords('prod', []));
    expect((await world.backend.storeBatch(place.session, stream.lease, batch)).result).toBe('lost');
    expect((await stream.finish({ lastSeq: 0 })).result).toBe('lost');
    expect(await world.backend.renew(place.session, [stream.lease])).toMatchObject({ current: false });
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect(await world.backend.accept(place.session, stream.lease)).toBe('lost');
    await world.backend.reject(place.session, stream.lease, fatal);
    await world.backend.disconnected(place.session);
    expect((await world.state(place.organisationId, job.id)).state).toBe('running');
    expect((await world.backend.storeBatch(newer, stream.lease, batch)).result).toBe('stored');
    const [row] = await world.sql`select session_id from agent where id = ${place.agent.id}`;
    expect(row?.['session_id']).toBe(newer.sessionId);
  });

  test('another lease token can do nothing', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    const lease = { ...stream.lease, leaseToken: 'guessed' };
    expect((await world.backend.storeBatch(place.session, lease, batchOf(1, siteRecords('prod', [])))).result).toBe(
      'lost',
    );
    expect(await world.backend.accept(place.session, lease)).toBe('lost');
    expect(await world.backend.renew(place.session, [lease])).toMatchObject({
      lost: [{ jobId: lease.jobId, attempt: 1 }],
    });
  });

  test('a finish before its batches came asks for them', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    await stream.send(siteRecords('prod', []));
    expect(await stream.finish({ lastSeq: 2 })).toEqual({ result: 'gap', durableSeq: 1 });
    expect((await stream.finish()).result).toBe('closed');
  });
});

describe('an agent that went away', () => {
  test('comes back and goes on where it stood, also when its lease ran out', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    await world.backend.disconnected(place.session);
    await runOut(job.id);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'queued',
      waiting: expect.stringMatching(/not connected/),
    });
    const { session, jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toEqual([
      { jobId: job.id, attempt: 1, verdict: 'continue', durableSeq: 1, publishedScopes: ['prod'], cancel: false },
    ]);
    const resumed = TestStream.resume(world.backend, session, stream);
    await resumed.publish(appRecords('prod', 'a', ['s']));
    await resumed.finish();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', attempt: 1 });
  });

  test.each([
    ['is at work', false],
    ['has come and gone', true],
  ])('does not go on with a crawl after its lease ran out when lineage %s', async (_, hasEnded) => {
    const place = await world.enter('prod');
    const asked = { connection: 'prod', kind: 'lineage', createdBy: 'test' } as const;
    const { job: lineage } = await createJob(world.sql, place.organisationId, asked);
    // It was tried before the crawl, and its next turn comes while the crawl has none.
    await world.sql`update job set not_before = now() + interval '1 hour' where id = ${lineage.id}`;
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    await runOut(job.id);
    await world.sql`update job set not_before = now() where id = ${lineage.id}`;
    const other = await TestStream.begin(world.backend, place.session);
    expect(other.lease.jobId).toBe(lineage.id);
    if (hasEnded) await other.finish();
    const { jobId, attempt } = stream.lease;
    expect(await world.backend.renew(place.session, [stream.lease])).toMatchObject({ lost: [{ jobId, attempt }] });
    expect(await stream.finish()).toMatchObject({ result: 'lost' });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'queued' });
  });

  test('with nothing in its hands: the job is tried again at once', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    const { session, jobs } = await place.agent.open(world.backend, []);
    expect(jobs).toEqual([]);
    const offer = await world.backend.claim(session);
    expect(offer).toMatchObject({ jobId: job.id, attempt: 2 });
    expect(offer?.leaseToken).not.toBe(stream.lease.leaseToken);
    expect((await world.backend.storeBatch(session, stream.lease, batchOf(2, []))).result).toBe('lost');
    // What the first attempt published stays.
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
  });

  test('and whose job was begun anew by another session: the old attempt is lost', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await runOut(job.id);
    expect(await world.backend.claim(place.session)).toMatchObject({ attempt: 2 });
    const { jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'lost', publishedScopes: [] }]);
  });

  test('after its job was closed: it hears that it is finished', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', []));
    await stream.finish();
    const { session, jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'finished', durableSeq: 1 }]);
    expect(jobs[0]?.published).toBeUndefined();
    stream.session = session;
    expect(await stream.finish()).toEqual({ result: 'closed', durableSeq: 1 });
  });

  test.each([
    ['failed for good', { result: 'error', error: fatal }, 'failed'],
    ['failed for now', { result: 'error', error: retryable }, 'queued'],
    ['was cancelled', { result: 'cancelled' }, 'cancelled'],
  ] as const)('after its job %s: it hears that it is finished and not published', async (_, how, state) => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.finish(how);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state });
    const { session, jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'finished', published: false }]);
    stream.session = session;
    expect(await stream.finish(how)).toMatchObject({ result: 'closed', published: false });
  });

  test('after its job was tried again and published: the earlier attempt hears that it was not', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.finish({ result: 'error', error: retryable });
    await world.sql`update job set not_before = now() where id = ${job.id}`;
    const again = await TestStream.begin(world.backend, place.session);
    await again.publish(siteRecords('prod', []));
    await again.finish();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published' });
    const { jobs } = await place.agent.open(world.backend, [stream.held, again.held]);
    expect(jobs.map(({ attempt, verdict, published }) => [attempt, verdict, published])).toEqual([
      [1, 'finished', false],
      [2, 'finished', undefined],
    ]);
  });

  test(`${MAX_ATTEMPTS} times: the job fails and says so`, async () => {
    const place = await world.enter('prod');
    const job = await world.job(place.organisationId, 'prod');
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      expect(await world.backend.claim(place.session)).toMatchObject({ attempt });
      await runOut(job.id);
    }
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'job.attempts_exhausted' },
    });
  });
});

describe('a crawl that fails', () => {
  test('for good: the reason is on the job, and nothing that was published changes', async () => {
    const place = await world.enter('prod');
    const first = await world.crawl(place, 'prod');
    await first.stream.publish(siteRecords('prod', ['a']));
    await first.stream.publish(appRecords('prod', 'a', ['s']));
    await first.stream.finish();
    const before = await world.counts(place.organisationId);
    const { stream, job } = await world.crawl(place, 'prod');
    expect(await stream.finish({ result: 'error', error: fatal })).toMatchObject({
      result: 'closed',
      published: false,
    });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'failed', error: fatal });
    expect(await world.counts(place.organisationId)).toEqual(before);
  });

  test('for now: it waits, shows why, and is tried again', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.finish({ result: 'error', error: retryable });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'queued',
      error: retryable,
      waiting: expect.stringMatching(/^Attempt 1 failed; the next one starts at /),
    });
    expect(await world.backend.claim(place.session)).toBeUndefined();
    await world.sql`update job set not_before = now() where id = ${job.id}`;
    expect(await world.backend.claim(place.session)).toMatchObject({ jobId: job.id, attempt: 2 });
  });

  test('every time: it ends with the last reason', async () => {
    const place = await world.enter('prod');
    const job = await world.job(place.organisationId, 'prod');
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      await world.sql`update job set not_before = now() where id = ${job.id}`;
      const stream = await TestStream.begin(world.backend, place.session);
      await stream.finish({ result: 'error', error: retryable });
    }
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'job.attempts_exhausted', message: expect.stringContaining('Qlik is not there') },
    });
  });

  test('before it began: a refusal by the agent', async () => {
    const place = await world.enter('prod');
    const job = await world.job(place.organisationId, 'prod');
    const offer = await world.backend.claim(place.session);
    if (!offer) throw new Error('no offer');
    await world.backend.reject(place.session, offer, fatal);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'failed', error: fatal });
  });
});

describe('cancel', () => {
  test('a job that waits ends at once', async () => {
    const place = await world.enter('prod');
    const job = await world.job(place.organisationId, 'prod');
    expect(await cancelJob(world.sql, place.organisationId, job.id)).toMatchObject({ state: 'cancelled' });
    expect(await world.backend.claim(place.session)).toBeUndefined();
  });

  test('a job at work: the agent is told at once, with the heartbeat, and when it comes back', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    const told = new Promise((resolve) =>
      world.backend.onWake(place.session, ({ cancel }) => cancel && resolve(cancel)),
    );
    expect(await cancelJob(world.sql, place.organisationId, job.id)).toMatchObject({ state: 'cancelling' });
    expect(await told).toEqual({ jobId: job.id, attempt: 1 });
    expect((await world.backend.renew(place.session, [stream.lease])).cancelled).toEqual([
      { jobId: job.id, attempt: 1 },
    ]);
    const { session, jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'continue', cancel: true }]);
    await TestStream.resume(world.backend, session, stream).finish({ result: 'cancelled' });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'cancelled', error: null });
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
  });

  test('a job whose agent is away ends when the lease runs out', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await cancelJob(world.sql, place.organisationId, job.id);
    await runOut(job.id);
    expect((await world.state(place.organisationId, job.id)).state).toBe('cancelled');
    const { jobs } = await place.agent.open(world.backend, [stream.held]);
    expect(jobs).toMatchObject([{ verdict: 'lost' }]);
  });
});
