import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WakeUp } from '#catalog/gateway/backend.ts';
import { createBackend } from '#catalog/jobs/backend.ts';
import { sweep } from '#catalog/jobs/sweep.ts';
import {
  agentTrust,
  askForNewKey,
  disableAgent,
  enableAgent,
  releaseAgent,
  revokeAgent,
  revokeAgentKey,
} from '#catalog/store/agent-trust.ts';
import { listAgents } from '#catalog/store/agents.ts';
import { listConnections } from '#catalog/store/connections.ts';
import { listSigningKeys, rotateSigningKey } from '#catalog/store/signing-keys.ts';
import { CLOSE } from '#protocol/constants.ts';
import { catalogKeyText } from '#protocol/messages.ts';
import { connectionState, TestAgent } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

type Place = Awaited<ReturnType<World['enter']>>;

/** How a session of this agent is ended next, through the bus. */
const nextEnd = (place: Place) =>
  new Promise<WakeUp['end']>((resolve) => {
    world.backend.onWake(place.session, ({ end }) => end && resolve(end));
  });

const refusalOf = async (agent: TestAgent): Promise<number | undefined> => {
  const answer = await agent.authenticate(world.backend);
  return 'refused' in answer ? answer.refused.closeCode : undefined;
};

/** The agent's session is over: nothing that it still sends is written. */
const isFenced = async ({ session }: Place): Promise<boolean> => !(await world.backend.renew(session, [])).current;

describe('a new key of an agent', () => {
  test('a session with a key that was replaced is let in for a day; the log and every list of agents and connections say so', async () => {
    const { agent, session, organisationId } = await world.enter('site');
    const shown = async () => {
      const [listed] = await listAgents(world.sql, organisationId, { limit: 1, id: agent.id });
      const [connection] = await listConnections(world.sql, organisationId, 'site');
      expect(connection?.agentStanding).toBe('trusted');
      expect(connection?.agentKeyEndsAt).toEqual(listed?.replacedKeyEndsAt);
      return listed?.replacedKeyEndsAt;
    };
    const { asked, use } = agent.nextKey();
    const answer = await world.backend.rotateKey(session, asked);
    if (!('keyId' in answer)) throw new Error('refused');
    // A session that was there before the key was replaced is nothing to warn of.
    expect(await shown()).toBeNull();
    const warned: { readonly fields: object; readonly message: string }[] = [];
    const warn = (fields: object, message: string): void => {
      warned.push({ fields, message });
    };
    const { sql, publishing, bus } = world;
    const backend = createBackend({ sql, publishing, bus, log: { warn, error: warn }, sweepMs: 0 });
    const back = use(answer.keyId);
    await agent.open(backend);
    expect(warned).toEqual([]);
    expect(await shown()).toBeNull();
    back();
    await agent.open(backend);
    expect(await shown()).toEqual(expect.any(Date));
    await backend.close();
    const message = 'an agent opened a session with a key that was replaced';
    const advice = expect.stringContaining('revoke the agent');
    expect(warned).toMatchObject([{ message, fields: { agentId: agent.id, keyEndsAt: expect.any(String), advice } }]);
  });

  test('is registered over a live session; the old one counts for a day', async () => {
    const { agent, session, organisationId } = await world.enter('site');
    const { asked, use } = agent.nextKey();
    const answer = await world.backend.rotateKey(session, asked);
    expect(answer).toEqual({ keyId: expect.stringMatching(/^[0-9a-f]{32}$/), oldValidMs: 86_400_000 });
    // The answer was lost on the way: the agent asks again, and comes in with either.
    expect(await world.backend.rotateKey(session, asked)).toEqual(answer);
    expect(await refusalOf(agent)).toBeUndefined();
    if (!('keyId' in answer)) throw new Error('refused');
    const backToOld = use(answer.keyId);
    expect(await refusalOf(agent)).toBeUndefined();
    const { keys } = await agentTrust(world.sql, organisationId, agent.id);
    expect(keys.map(({ id, validUntil, inUse }) => [id, validUntil === null, inUse])).toEqual([
      [answer.keyId, true, true],
      [agent.identity.keyId, false, false],
    ]);
    await world.sql`update agent_key set valid_until = now() where id = ${agent.identity.keyId}`;
    backToOld();
    expect(await refusalOf(agent)).toBe(CLOSE.unknownAgent);
  });

  test('needs a proof made in this very session, and the current session', async () => {
    const { agent, session } = await world.enter('site');
    const { asked } = agent.nextKey();
    for (const wrong of [
      { ...asked, nonce: randomUUID() },
      { ...asked, proof: agent.nextKey().asked.proof },
      { ...asked, proof: '' },
    ])
      expect(await world.backend.rotateKey(session, wrong)).toMatchObject({
        refused: { closeCode: CLOSE.badSignature },
      });
    expect(await world.backend.rotateKey(session, { ...asked, publicKey: 'AAAA' })).toMatchObject({
      refused: { closeCode: CLOSE.badMessage },
    });
    await agent.open(world.backend);
    expect(await world.backend.rotateKey(session, asked)).toMatchObject({ refused: { closeCode: CLOSE.superseded } });
  });

  test('is bounded in number, and a key that was replaced does not come back', async () => {
    const { agent, session } = await world.enter('site');
    const first = agent.nextKey().asked;
    await world.backend.rotateKey(session, first);
    for (let n = 0; n < 8; n++)
      expect(await world.backend.rotateKey(session, agent.nextKey().asked)).toMatchObject({ oldValidMs: 86_400_000 });
    expect(await world.backend.rotateKey(session, agent.nextKey().asked)).toMatchObject({
      refused: { message: 'This agent made more than 10 keys in a day.' },
    });
    expect(await world.backend.rotateKey(session, first)).toMatchObject({ refused: { closeCode: CLOSE.badMessage } });
  });

  test('is asked for at once, or when the agent comes back', async () => {
    const place = await world.enter('site');
    const { agent, organisationId, session } = place;
    const asked = new Promise((resolve) => world.backend.onWake(session, ({ ask }) => ask && resolve(ask)));
    await askForNewKey(world.sql, organisationId, agent.id);
    expect(await asked).toEqual({ type: 'key.renew' });
    const later = await agent.open(world.backend);
    expect(later.asks).toEqual([{ type: 'key.renew' }]);
    await world.backend.rotateKey(later.session, agent.nextKey().asked);
    expect((await agent.open(world.backend)).asks).toEqual([]);
  });
});

describe('an agent that is shut out', () => {
  test('disabling ends its session everywhere and queues its job again; enabling lets it go on', async () => {
    const place = await world.enter('site');
    const { agent, organisationId } = place;
    const { job, stream } = await world.crawl(place, 'site');
    const other = world.another();
    const elsewhere = new Promise<WakeUp['end']>((resolve) => {
      other.onWake(place.session, ({ end }) => end && resolve(end));
    });
    const ended = nextEnd(place);
    await disableAgent(world.sql, organisationId, agent.id);
    expect(await ended).toMatchObject({ closeCode: CLOSE.agentDisabled });
    expect(await elsewhere).toMatchObject({ closeCode: CLOSE.agentDisabled });
    await other.close();
    expect(await isFenced(place)).toBe(true);
    expect(await refusalOf(agent)).toBe(CLOSE.agentDisabled);
    await sweep(world.sql, 60_000);
    expect(await world.state(organisationId, job.id)).toMatchObject({
      state: 'queued',
      waiting: 'The agent agent is disabled; the job starts when an administrator enables it.',
    });
    await enableAgent(world.sql, organisationId, agent.id);
    // It comes back with its spool and goes on where it was.
    const { lease } = stream;
    const back = await agent.open(world.backend, [{ ...lease, spooledSeq: 0, sealed: false }]);
    expect(back.jobs).toMatchObject([{ verdict: 'continue' }]);
  });

  test('revoking an agent shuts all its keys out; its job goes to the agent that stands by', async () => {
    const place = await world.enter('site');
    const { agent, organisationId } = place;
    const { job } = await world.crawl(place, 'site');
    const successor = await TestAgent.enrol(
      world.backend,
      world.sql,
      organisationId,
      [connectionState('site')],
      'successor',
    );
    const { session } = await successor.open(world.backend);
    const ended = nextEnd(place);
    await revokeAgent(world.sql, organisationId, agent.id);
    expect(await ended).toMatchObject({ closeCode: CLOSE.unknownAgent });
    expect(await refusalOf(agent)).toBe(CLOSE.unknownAgent);
    await expect(enableAgent(world.sql, organisationId, agent.id)).rejects.toMatchObject({ code: 'agent.revoked' });
    await sweep(world.sql, 3_600_000);
    expect(await world.backend.claim(session)).toMatchObject({ jobId: job.id, attempt: 2 });
  });

  test('revoking the key of the session ends it; the last key only when that is said', async () => {
    const place = await world.enter('site');
    const { agent, organisationId, session } = place;
    const { keyId } = agent.identity;
    await expect(revokeAgentKey(world.sql, organisationId, agent.id, keyId, false)).rejects.toMatchObject({
      code: 'agent.last_key',
    });
    const { asked, use } = agent.nextKey();
    const answer = await world.backend.rotateKey(session, asked);
    const ended = nextEnd(place);
    await revokeAgentKey(world.sql, organisationId, agent.id, keyId, false);
    expect(await ended).toMatchObject({ closeCode: CLOSE.unknownAgent });
    expect(await isFenced(place)).toBe(true);
    expect(await refusalOf(agent)).toBe(CLOSE.unknownAgent);
    if (!('keyId' in answer)) throw new Error('refused');
    use(answer.keyId);
    expect(await refusalOf(agent)).toBeUndefined();
    await revokeAgentKey(world.sql, organisationId, agent.id, answer.keyId, true);
    expect(await refusalOf(agent)).toBe(CLOSE.unknownAgent);
  });

  test('another organisation can do nothing to it', async () => {
    const { agent } = await world.enter('site');
    const { organisationId } = await world.enter('other');
    for (const act of [disableAgent, enableAgent, revokeAgent, askForNewKey, releaseAgent, agentTrust])
      await expect(act(world.sql, organisationId, agent.id)).rejects.toMatchObject({ code: 'api.not_found' });
    expect(await refusalOf(agent)).toBeUndefined();
  });
});

describe('two machines with one identity', () => {
  /** The agent and its clone take the session from each other until one is turned away. */
  const fight = async (place: Place): Promise<{ readonly turns: number; readonly code: number }> => {
    const { agent } = place;
    const boots = [agent.bootId, randomUUID()];
    for (let turn = 1; turn < 20; turn++) {
      agent.bootId = boots[turn % 2] ?? '';
      agent.hostname = turn % 2 === 0 ? 'original' : 'copy';
      const code = await refusalOf(agent);
      if (code !== undefined) return { turns: turn, code };
    }
    throw new Error('nobody was turned away');
  };

  test('flapping is noticed and both are turned away, until somebody says that one is gone', async () => {
    const place = await world.enter('site');
    const { agent, organisationId } = place;
    const { turns, code } = await fight(place);
    expect(code).toBe(CLOSE.duplicateIdentity);
    // The original, the copy, then each returns: the third return is no late handshake any more.
    expect(turns).toBe(4);
    expect(await isFenced(place)).toBe(true);
    for (const bootId of [agent.bootId, randomUUID()]) {
      agent.bootId = bootId;
      expect(await refusalOf(agent)).toBe(CLOSE.duplicateIdentity);
    }
    const { boots } = await agentTrust(world.sql, organisationId, agent.id);
    expect(new Set(boots.map(({ hostname }) => hostname))).toEqual(new Set(['original', 'copy']));
    await releaseAgent(world.sql, organisationId, agent.id);
    expect(await refusalOf(agent)).toBeUndefined();
    // The clone was not stopped after all.
    expect((await fight({ ...place })).code).toBe(CLOSE.duplicateIdentity);
  });

  test('an agent that starts again and again is no clone', async () => {
    const { agent } = await world.enter('site');
    for (let start = 0; start < 30; start++) {
      agent.bootId = randomUUID();
      expect(await refusalOf(agent)).toBeUndefined();
      expect(await refusalOf(agent)).toBeUndefined();
    }
  });

  test('a handshake of the process before, that comes late, is no clone', async () => {
    const { agent } = await world.enter('site');
    const [before, now] = [agent.bootId, randomUUID()];
    for (const bootId of [now, before, now, now]) {
      agent.bootId = bootId;
      expect(await refusalOf(agent)).toBeUndefined();
    }
  });

  test('a clone with a copied spool never mixes data: the older session writes nothing', async () => {
    const place = await world.enter('site');
    const { agent, organisationId } = place;
    const { stream, job } = await world.crawl(place, 'site');
    const { lease } = stream;
    agent.bootId = randomUUID();
    const clone = await agent.open(world.backend, [{ ...lease, spooledSeq: 0, sealed: false }]);
    expect(clone.jobs).toMatchObject([{ verdict: 'continue' }]);
    // Both hold the token; only the newer epoch writes.
    expect(await world.backend.renew(place.session, [lease])).toMatchObject({ current: false });
    await expect(stream.send([{ t: 'scope', scope: 'site', kind: 'site', name: 'Old' }])).resolves.toMatchObject({
      result: 'lost',
    });
    expect((await world.state(organisationId, job.id)).state).toBe('running');
    expect(await world.backend.renew(clone.session, [lease])).toMatchObject({ current: true, lost: [] });
  });
});

describe('the key that signs jobs', () => {
  const isSignedBy = (publicKey: string, text: string, signature: string): boolean =>
    verify(
      null,
      Buffer.from(text),
      createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' }),
      Buffer.from(signature, 'base64'),
    );

  test('is handed over by a chain of signatures; a session goes on with the key that it began with', async () => {
    const place = await world.enter('site');
    const { agent, organisationId, session } = place;
    const told = new Promise((resolve) => world.backend.onWake(session, ({ ask }) => ask && resolve(ask)));
    await rotateSigningKey(world.sql, organisationId);
    expect(await told).toMatchObject({ type: 'catalog.key' });
    await rotateSigningKey(world.sql, organisationId);
    await world.job(organisationId, 'site');
    const offer = await world.backend.claim(session);
    if (!offer) throw new Error('no offer');
    expect(isSignedBy(agent.identity.catalogKey, offer.spec, offer.signature)).toBe(true);
    expect(JSON.parse(offer.spec)).toMatchObject({
      attempt: 1,
      agentId: agent.id,
      issuedAt: expect.any(String),
      challenge: agent.challenge,
    });

    agent.capabilities = ['catalogKey'];
    const next = await agent.open(world.backend);
    let pinned = agent.identity.catalogKey;
    expect(next.asks?.length).toBe(2);
    for (const ask of next.asks ?? []) {
      if (ask.type !== 'catalog.key') throw new Error('another message');
      const text = catalogKeyText(agent.identity.organisation, ask.publicKey);
      expect(isSignedBy(pinned, text, ask.signature)).toBe(true);
      pinned = ask.publicKey;
    }
    const again = await world.backend.claim(next.session);
    if (!again) throw new Error('no offer');
    expect(isSignedBy(pinned, again.spec, again.signature)).toBe(true);
  });

  test('old private halves are erased once no agent needs them', async () => {
    const { agent, organisationId } = await world.enter('site');
    await rotateSigningKey(world.sql, organisationId);
    await sweep(world.sql, 60_000);
    const erased = async () => (await listSigningKeys(world.sql, organisationId)).map((key) => key.erased);
    expect(await erased()).toEqual([false, false]);
    agent.capabilities = ['catalogKey'];
    await agent.open(world.backend);
    await sweep(world.sql, 60_000);
    expect(await erased()).toEqual([false, true]);
  });

  test('an agent that enrols after a succession pins the newest', async () => {
    const { organisationId } = await world.enter('site');
    await rotateSigningKey(world.sql, organisationId);
    const late = await TestAgent.enrol(world.backend, world.sql, organisationId, [connectionState('late')]);
    late.capabilities = ['catalogKey'];
    const { session, asks } = await late.open(world.backend);
    expect(asks).toEqual([]);
    await world.job(organisationId, 'late');
    const offer = await world.backend.claim(session);
    if (!offer) throw new Error('no offer');
    expect(isSignedBy(late.identity.catalogKey, offer.spec, offer.signature)).toBe(true);
  });
});
