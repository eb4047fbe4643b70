import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentDetail } from '#catalog/api/contract.ts';
import { connectionState, TestAgent } from './agent.ts';
import { Served } from './served.ts';
import { World } from './world.ts';

let served: Served;
let place: Awaited<ReturnType<Served['organisation']>>;
let crawled: Awaited<ReturnType<Served['crawled']>>;
beforeAll(async () => {
  served = await Served.open();
  place = await served.organisation('Acme', 'ann@example.com');
  crawled = await served.crawled(place.organisationId, 'prod', { a: ['s1'] });
});
afterAll(() => served?.[Symbol.asyncDispose]());

const path = (act = ''): string => `/api/v1/agents/${crawled.agent.id}${act}`;
const post = (act: string, body?: unknown) => place.client.ask<AgentDetail>('POST', path(act), body);

test('an agent is shown with its keys; it is disabled, enabled and asked for a new key', async () => {
  const { status, body } = await place.client.get<AgentDetail>(path());
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id: crawled.agent.id,
    standing: 'trusted',
    keys: [{ id: crawled.agent.identity.keyId, revokedAt: null, validUntil: null }],
    policy: null,
    renewalAskedAt: null,
  });
  expect((await post('/disable')).body.standing).toBe('disabled');
  expect((await post('/enable')).body.standing).toBe('trusted');
  expect((await post('/renew-key')).body.renewalAskedAt).toEqual(expect.any(String));
  expect((await post('/release')).status).toBe(200);
});

test('the last key is revoked only when that is said; an agent only by its name; then nothing brings it back', async () => {
  const key = `/keys/${crawled.agent.identity.keyId}/revoke`;
  expect(await post(key, {})).toMatchObject({ status: 409, body: { code: 'agent.last_key' } });
  expect((await post(key, { lastKey: true })).body.keys[0]?.revokedAt).toEqual(expect.any(String));
  expect((await post('/revoke', { confirm: 'another' })).status).toBe(400);
  expect((await post('/revoke', { confirm: 'agent' })).body.standing).toBe('revoked');
  for (const act of ['/enable', '/renew-key', '/release', '/disable'])
    expect(await post(act)).toMatchObject({ status: 409, body: { code: 'agent.revoked' } });
  expect((await place.client.ask('POST', '/api/v1/agents/none/disable')).status).toBe(404);
});

test('an agent that reports ever new codes fills neither the list of connections nor that of files', async () => {
  await using world = await World.open();
  const { agent, organisationId } = await world.enter();
  const later = await TestAgent.enrol(world.backend, world.sql, organisationId, [connectionState('of-another')]);
  for (let round = 0; round < 6; round++) {
    agent.connections = Array.from({ length: 200 }, (_, n) => connectionState(`code-${round}-${n}`));
    const { session } = await agent.open(world.backend);
    const status = { ...agent.status(), omittedConnections: 1 };
    await world.backend.status(session, status);
  }
  const [rows] = await world.sql`select (select count(*)::int from connection) as connections,
    (select count(*)::int from connection_report) as files`;
  expect(rows?.['connections']).toBe(1_000);
  expect(rows?.['files']).toBeLessThanOrEqual(1_000);
  // The bound is the agent's own.
  await later.open(world.backend);
  const [other] = await world.sql`select agent_id from connection where code = 'of-another'`;
  expect(other?.['agent_id']).toBe(later.id);
});
