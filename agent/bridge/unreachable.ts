import { wordingFor } from '#agent/network/probe/wording.ts';
import { asFault, Fault } from '#protocol/errors.ts';

const FROM_THE_NETWORK = /^(?:network|tls)\./;

/** Why the catalog cannot be reached, from what the Dialer says; what a proxy did keeps its own name. */
export const unreachable = (error: unknown): Fault => {
  const fault = asFault(error);
  if (fault.code.startsWith('proxy.')) return fault;
  const { code, message } = fault;
  return new Fault('bridge.unreachable', message, {
    cause: error,
    ...(FROM_THE_NETWORK.test(code) ? { advice: wordingFor('link').of(fault).advice } : {}),
  });
};
