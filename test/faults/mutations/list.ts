import type { Mutation } from './mutation.ts';
import { AGENT_RULES } from './rules-agent.ts';
import { GATEWAY_RULES } from './rules-gateway.ts';
import { SPOOL_RULES } from './rules-spool.ts';
import { STORE_RULES } from './rules-store.ts';
import { TRANSPORT_RULES } from './rules-transport.ts';
import { TRUST_RULES } from './rules-trust.ts';

/** Every rule of the protocol with its switch-off. */
export const MUTATIONS: readonly Mutation[] = [
  ...AGENT_RULES,
  ...GATEWAY_RULES,
  ...SPOOL_RULES,
  ...STORE_RULES,
  ...TRUST_RULES,
  ...TRANSPORT_RULES,
];
