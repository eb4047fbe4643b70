import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnrolmentToken } from '#catalog/store/agents.ts';
import { CLOSE } from '#protocol/constants.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('enrolment', () => {
  test('a token works once', async () => {
    const { organisationId } = await world.enter();
    const { token } = await createEnrolmentToken(world.sql, organisationId, 'test');
    const request = {
      token,
      name: 'a',
      version: '1',
      publicKey: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
    };
    expect(await world.backend.enrol(request)).toMatchObject({ agentId: expect.any(String) });
    expect(await world.backend.enrol(request)).toMatchObject({ refused: { code: 'bridge.enrolment_refused' } });
  });

  test('a token expires, and other keys than Ed25519 are refused without using it up', async () => {
    const { organisationId } = await world.enter();
    const { token } = await createEnrolmentToken(world.sql, organisationId, 'test');
    const request = { token, name: 'a', version: '1', publicKey: 'bm8ga2V5' };
    expect(await world.backend.enrol(request)).toMatchObject({
      refused: { message: expect.stringMatching(/Ed25519/) },
    });
    await world.sql`update enrolment_token set expires_at = now() where organisation_id = ${organisationId} and used_at is null`;
    const publicKey = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';
    expect(await world.backend.enrol({ ...request, publicKey })).toMatchObject({
      refused: { message: 'The enrolment token is wrong, used or expired.' },
    });
  });
});

describe('authentication', () => {
  test('a signature for another host is refused', async () => {
    const { agent } = await world.enter('prod');
    expect(await agent.authenticate(world.backend, [], 'evil.example.com')).toMatchObject({
      refused: { closeCode: CLOSE.badSignature },
    });
  });

  test('unknown, revoked and disabled agents are told apart', async () => {
    const { agent } = await world.enter('prod');
    await world.sql`update agent set disabled_at = now() where id = ${agent.id}`;
    expect(await agent.authenticate(world.backend)).toMatchObject({ refused: { closeCode: CLOSE.agentDisabled } });
    await world.sql`update agent_key set revoked_at = now() where agent_id = ${agent.id}`;
    expect(await agent.authenticate(world.backend)).toMatchObject({ refused: { closeCode: CLOSE.unknownAgent } });
    await world.sql`delete from agent where id = ${agent.id}`;
    expect(await agent.authenticate(world.backend)).toMatchObject({ refused: { closeCode: CLOSE.unknownAgent } });
  });
});
