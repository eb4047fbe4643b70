import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAgents } from '#catalog/store/agents.ts';
import { findAsset } from '#catalog/store/assets.ts';
import {
  assignConnection,
  deleteConnection,
  listBrokenFiles,
  listConnections,
  takeOverConnection,
} from '#catalog/store/connections.ts';
import { appRecords, connectionState, siteRecords, TestAgent } from './agent.ts';
import { eventually } from './database.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('connections', () => {
  const one = async (organisationId: string, code: string) =>
    (await listConnections(world.sql, organisationId, code))[0];

  test('a code belongs to the agent that reported it first; others stand by and can take over', async () => {
    const place = await world.enter('prod');
    const other = await TestAgent.enrol(
      world.backend,
      world.sql,
      place.organisationId,
      [connectionState('prod')],
      'other',
    );
    const { session } = await other.open(world.backend);
    expect(await one(place.organisationId, 'prod')).toMatchObject({
      agentId: place.agent.id,
      agentHealth: 'online',
      standby: [{ agentId: other.id, agentName: 'other' }],
    });
    const job = await world.job(place.organisationId, 'prod');
    expect(await world.backend.claim(session)).toBeUndefined();
    await assignConnection(world.sql, place.organisationId, 'prod', other.id);
    expect(await one(place.organisationId, 'prod')).toMatchObject({
      agentId: other.id,
      standby: [{ agentId: place.agent.id }],
    });
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect((await world.backend.claim(session))?.jobId).toBe(job.id);
    const busy = { code: 'job.connection_busy', retryable: true };
    await expect(assignConnection(world.sql, place.organisationId, 'prod', place.agent.id)).rejects.toMatchObject(busy);
    await expect(deleteConnection(world.sql, place.organisationId, 'prod')).rejects.toMatchObject(busy);
  });

  test('a file that is gone: the connection is absent, its assets stay, its jobs wait', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', []));
    await stream.finish();
    const waiting = await world.job(place.organisationId, 'prod');
    place.agent.connections = [];
    await world.backend.status(place.session, place.agent.status());
    expect(await one(place.organisationId, 'prod')).toMatchObject({ status: { state: 'absent' }, assets: 2 });
    expect(await world.backend.claim(place.session)).toBeUndefined();
    expect((await world.state(place.organisationId, waiting.id)).waiting).toMatch(/file is gone/);
    await expect(world.job(place.organisationId, 'prod')).rejects.toThrow('is gone');
    place.agent.connections = [connectionState('prod')];
    await world.backend.status(place.session, place.agent.status());
    expect((await world.backend.claim(place.session))?.jobId).toBe(waiting.id);
  });

  test('a connection that is left out of a list that was cut is not gone', async () => {
    const place = await world.enter('prod');
    place.agent.connections = [];
    await world.backend.status(place.session, { ...place.agent.status(), omittedConnections: 1 });
    expect(await one(place.organisationId, 'prod')).toMatchObject({ status: { state: 'ready' } });
  });

  test('an agent that does not check our certificate is shown as such, until it does', async () => {
    const place = await world.enter('prod');
    const shown = async () =>
      (await listAgents(world.sql, place.organisationId, { limit: 5 })).map((a) => a.bypassCertificateValidation);
    expect(await shown()).toEqual([false]);
    await world.backend.status(place.session, { ...place.agent.status(), bypassCertificateValidation: true });
    expect(await shown()).toEqual([true]);
    await world.backend.status(place.session, place.agent.status());
    expect(await shown()).toEqual([false]);
  });

  test('shows how an agent reaches us, and why, if it says so', async () => {
    const place = await world.enter('prod');
    const shown = async () => (await listAgents(world.sql, place.organisationId, { limit: 5 })).map((a) => a.link);
    expect(await shown()).toEqual([null]);
    const link = { transport: 'polling', why: 'WebSockets do not pass: the upgrade was answered with HTTP 426' };
    await world.backend.status(place.session, { ...place.agent.status(), link });
    expect(await shown()).toEqual([link]);
  });

  test('a changed code is a new connection, which may take over the old keys', async () => {
    const place = await world.enter('old');
    const { stream } = await world.crawl(place, 'old');
    await stream.publish(siteRecords('old', ['a']));
    await stream.publish(appRecords('old', 'a', ['s']));
    await stream.finish();
    place.agent.connections = [connectionState('new', { file: 'old.conf' })];
    await world.backend.status(place.session, place.agent.status());
    expect(await one(place.organisationId, 'new')).toMatchObject({ takeOver: 'old', assets: 0 });
    await expect(takeOverConnection(world.sql, place.organisationId, 'new', 'nope')).rejects.toThrow(
      /cannot be taken over/,
    );
    await takeOverConnection(world.sql, place.organisationId, 'new', 'old');
    expect(await one(place.organisationId, 'old')).toBeUndefined();
    expect(await one(place.organisationId, 'new')).toMatchObject({ takeOver: null, assets: 4 });
    expect(await findAsset(world.sql, place.organisationId, 'new/a/s')).toMatchObject({
      parent: 'new/a',
      connection: 'new',
    });
    // The next crawl finds everything as it was.
    const again = await world.crawl(place, 'new');
    await again.stream.publish(siteRecords('new', ['a']));
    await again.stream.publish(appRecords('new', 'a', ['s']));
    await again.stream.finish();
    expect((await world.scopes(place.organisationId, again.job.id)).map((s) => s.added + s.removed)).toEqual([0, 0]);
  });

  test('files without a code, and second files with one code, are shown with their errors', async () => {
    const place = await world.enter('prod');
    const twin = connectionState('prod', { file: 'twin.conf', state: 'error', inForce: null, loadedAt: null });
    place.agent.connections = [
      twin,
      connectionState('prod'),
      connectionState(null, { file: 'x.conf', state: 'error', inForce: null }),
    ];
    await world.backend.status(place.session, place.agent.status());
    expect((await one(place.organisationId, 'prod'))?.status.file).toBe('prod.conf');
    expect((await listBrokenFiles(world.sql, place.organisationId)).map((b) => b.status.file).sort()).toEqual([
      'twin.conf',
      'x.conf',
    ]);
  });

  test('a status with characters that PostgreSQL cannot hold is stored all the same', async () => {
    const place = await world.enter('prod');
    place.agent.connections = [connectionState('prod', { description: 'a\0b\ud800c' })];
    await world.backend.status(place.session, place.agent.status());
    expect((await one(place.organisationId, 'prod'))?.status.description).toBe('a\uFFFDb\uFFFDc');
  });

  test('those who watch hear of a changed file', async () => {
    const place = await world.enter('prod');
    const heard: string[] = [];
    world.bus.onChange(place.organisationId, (change) => heard.push(JSON.stringify(change)));
    place.agent.connections = [connectionState('prod', { name: 'Renamed' })];
    await world.backend.status(place.session, place.agent.status());
    await eventually(async () => heard.includes('{"name":"connection","code":"prod"}'));
  });
});
