import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKeyPair } from '#agent/bridge/identity.ts';
import { TIMES } from '#protocol/constants.ts';
import { startProgram } from '#test/demo/program.ts';
import type { Pki } from '#test/simulator/pki.ts';
import { rounded } from '../figures.ts';
import type { Held, IdleGatewayOptions } from './gateway.ts';
import type { IdleAgentsOptions } from './idle-agents.ts';

const GATEWAY = join(import.meta.dirname, 'gateway.ts');
const AGENTS = join(import.meta.dirname, 'idle-agents.ts');
/** So many come and go first: code and tables that a first agent makes are not charged to each. */
const WARM_UP = 200;
const CONNECT_WITHIN_MS = 600_000;

export interface IdleCost {
  readonly agents: number;
  /** KiB for each agent: what the process took from the system, and what of it lies in V8's heap. */
  readonly rssKiB: number;
  readonly heapKiB: number;
  readonly externalKiB: number;
}

/** What a gateway holds for each agent that is connected and has nothing to do. */
export const idleCost = async (agents: number, pki: Pki | undefined): Promise<IdleCost> => {
  const keys = newKeyPair();
  const options: IdleGatewayOptions = { tls: pki?.server('valid'), publicKey: keys.publicKey };
  await using gateway = await startProgram('the gateway', GATEWAY, [JSON.stringify(options)]);
  const port = Number(gateway.ready['port']);
  const ask = async (): Promise<Held> => {
    const response = await fetch(`http://127.0.0.1:${String(gateway.ready['control'])}/`);
    return (await response.json()) as Held;
  };
  const startAgents = (count: number) => {
    const wanted: IdleAgentsOptions = { port, agents: count, rootPem: pki?.rootPem, privateKey: keys.privateKey };
    const patience = { readyWithinMs: CONNECT_WITHIN_MS };
    return startProgram('the agents', AGENTS, [JSON.stringify(wanted)], patience);
  };
  {
    await using _ = await startAgents(WARM_UP);
  }
  while ((await ask()).sessions > 0) await sleep(100);
  const before = await ask();
  await using _agents = await startAgents(agents);
  // Until each has sent a heartbeat and was answered.
  await sleep(TIMES.heartbeatMs + 2_000);
  const after = await ask();
  if (after.sessions !== agents) throw new Error(`${after.sessions} of ${agents} agents are connected`);
  const each = (of: (held: Held) => number): number => rounded((of(after) - of(before)) / agents / 1024, 1);
  return {
    agents,
    rssKiB: each(({ rssBytes }) => rssBytes),
    heapKiB: each(({ heapBytes }) => heapBytes),
    externalKiB: each(({ externalBytes }) => externalBytes),
  };
};
