import { TIMES } from '#protocol/constants.ts';
import type { LinkFacts } from './facts.ts';

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/**
 * Why the agent is not ready, in words; undefined when it is. Ready means that the catalog answered lately: a socket that
 * is open proves nothing, as it may be half of one.
 */
export const whyNotReady = ({
  state,
  sinceRoundTripMs,
  error,
}: Pick<LinkFacts, 'state' | 'sinceRoundTripMs' | 'error'>): string | undefined => {
  if (state !== 'open') {
    const why = error === null ? 'it is being dialled' : `${error.message} [${error.code}]`;
    return `There is no session with the catalog: ${why}.`.replace(/\.\.$/, '.');
  }
  if (sinceRoundTripMs === null) return 'The catalog has not answered yet.';
  return sinceRoundTripMs <= 2 * TIMES.heartbeatMs
    ? undefined
    : `The catalog has not answered for ${seconds(sinceRoundTripMs)}.`;
};
