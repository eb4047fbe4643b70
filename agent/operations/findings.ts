import type { AgentFacts } from './facts.ts';
import type { RecentEntry } from './recent.ts';
import type { SpooledAttempt } from './spool-inventory.ts';

/** All that can be said of an agent from outside, whether it runs or not. */
export interface Findings {
  readonly stateFolder: string;
  /** Why the state folder cannot be looked into by this user; null when it can. */
  readonly stateTrouble: string | null;
  /** The process that holds the lock of the state folder. */
  readonly lockedBy: number | null;
  /** What the agent says of itself; null when it does not answer. */
  readonly agent: AgentFacts | null;
  /** Why nothing answers although an agent runs. */
  readonly silent: string | null;
  /** Null when it cannot be known. */
  readonly enrolled: boolean | null;
  /** What lies in the spool of an agent that is down. */
  readonly spooled: readonly SpooledAttempt[];
  /** The last warnings and errors in the log of an agent that is down. */
  readonly lastWords: readonly RecentEntry[];
  /** What is wrong with agent.conf, so that an agent could not start. */
  readonly settingsTrouble: string | null;
}

export type Verdict = 'well' | 'unwell' | 'silent' | 'down';

/** What keeps a running agent from being well, in words; empty when it is. */
export const ailments = (agent: AgentFacts): readonly string[] => [
  ...(agent.notReady === null ? [] : [agent.notReady]),
  ...(agent.spool.error === null ? [] : [`Crawls wait: ${agent.spool.error.message}`]),
  ...agent.faults.filter(({ message }) => message !== agent.spool.error?.message).map(({ message }) => message),
  ...agent.connections
    .filter(({ state }) => state === 'error')
    .map(({ file, problem }) => problem ?? `${file} cannot be used.`),
];

/** `silent`: it holds its lock and does not answer. */
export const verdictOf = ({ agent, lockedBy }: Findings): Verdict => {
  if (agent !== null) return ailments(agent).length === 0 ? 'well' : 'unwell';
  return lockedBy === null ? 'down' : 'silent';
};
