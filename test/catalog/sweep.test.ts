import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackend } from '#catalog/jobs/backend.ts';
import { announceHealth, promoteStandby, sweep, wakeForWaiting } from '#catalog/jobs/sweep.ts';
import { listAgents } from '#catalog/store/agents.ts';
import { listConnections } from '#catalog/store/connections.ts';
import { announce } from '#catalog/store/events.ts';
import { addMember, createLoginToken, findMember, openSession } from '#catalog/store/members.ts';
import { connectionState, TestAgent } from './agent.ts';
import { eventually } from './database.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

test('an agent that is silent becomes late and then offline, and those who watch hear of it once', async () => {
  const place = await world.enter('prod');
  const heard: string[] = [];
  world.bus.onChange(place.organisationId, (change) => heard.push(change.name));
  const health = async () => (await listAgents(world.sql, place.organisationId, { limit: 1 }))[0]?.health;
  const silentFor = async (seconds: number) => {
    await world.sql`update agent set last_seen_at = now() - ${`${seconds} seconds`}::interval where id = ${place.agent.id}`;
    await announceHealth(world.sql);
    await announceHealth(world.sql);
  };
  // Notifications come in order: when the mark is here, so is all that was said before.
  const settle = async () => {
    await announce(world.sql, place.organisationId, { name: 'assets', connection: 'mark' });
    await eventually(async () => heard.includes('assets'));
  };
  await settle();
  heard.length = 0;
  expect(await health()).toBe('online');
  await silentFor(10);
  await settle();
  expect(heard).toEqual(['assets']);
  await silentFor(40);
  expect(await health()).toBe('late');
  await silentFor(130);
  expect(await health()).toBe('offline');
  await eventually(async () => heard.filter((name) => name === 'agent').length >= 2);
  expect(heard.filter((name) => name === 'agent').length).toBe(2);
  await world.backend.renew(place.session, []);
  expect(await health()).toBe('online');
  await world.backend.disconnected(place.session);
  expect(await health()).toBe('late');
});

test('an agent that stands by takes over when the owner has been gone for long, and not before', async () => {
  const place = await world.enter('prod');
  const { organisationId } = place;
  const other = await TestAgent.enrol(world.backend, world.sql, organisationId, [connectionState('prod')], 'other');
  const { session } = await other.open(world.backend);
  const job = await world.job(organisationId, 'prod');
  const owner = async () => (await listConnections(world.sql, organisationId, 'prod'))[0]?.agentId;
  const goneFor = async (seconds: number) => {
    await world.sql`update agent set last_seen_at = now() - ${`${seconds} seconds`}::interval where id = ${place.agent.id}`;
    await promoteStandby(world.sql, 900_000);
  };
  await goneFor(890);
  expect(await owner()).toBe(place.agent.id);
  // One that is away itself does not take over.
  await world.sql`update agent set last_seen_at = now() - interval '1 hour' where id = ${other.id}`;
  await goneFor(910);
  expect(await owner()).toBe(place.agent.id);
  await world.backend.renew(session, []);
  await goneFor(910);
  expect(await owner()).toBe(other.id);
  expect((await world.backend.claim(session))?.jobId).toBe(job.id);
});

test('an agent with a job whose time has come is woken again and again, in case a wake-up was lost', async () => {
  const place = await world.enter('prod');
  await world.job(place.organisationId, 'prod');
  let woken = 0;
  world.backend.onWake(place.session, () => {
    woken += 1;
  });
  await wakeForWaiting(world.sql);
  await wakeForWaiting(world.sql);
  await eventually(async () => woken >= 2);
  expect(await world.backend.claim(place.session)).toBeDefined();
});

test('what has expired is removed, what has not stays', async () => {
  const { organisationId } = await world.enter();
  await addMember(world.sql, { organisationId, email: 'x@example.com' });
  const member = await findMember(world.sql, 'x@example.com');
  if (!member) throw new Error('no member');
  await openSession(world.sql, member);
  await openSession(world.sql, member);
  await createLoginToken(world.sql, member);
  await world.sql`update session set expires_at = now() - interval '1 second'
    where hash = (select hash from session where member_id = ${member.id} limit 1)`;
  await sweep(world.sql, 900_000);
  const [row] = await world.sql`select (select count(*)::int from session where member_id = ${member.id}) as sessions,
    (select count(*)::int from login_token where member_id = ${member.id}) as tokens`;
  expect(row).toEqual({ sessions: 1, tokens: 1 });
});

test('a lease that runs out while the catalog runs is noticed by itself', async () => {
  const place = await world.enter('prod');
  const { job } = await world.crawl(place, 'prod');
  await world.sql`update attempt set lease_expires_at = now() - interval '1 second' where job_id = ${job.id}`;
  const backend = createBackend({
    sql: world.sql,
    bus: world.bus,
    log: { warn: () => {}, error: () => {} },
    sweepMs: 10,
  });
  await backend.start();
  await eventually(async () => (await world.state(place.organisationId, job.id)).state === 'queued');
  await backend.close();
});
