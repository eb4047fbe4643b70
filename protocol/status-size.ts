import { LIMITS } from './constants.ts';
import { controlBytes } from './control.ts';
import { shortened } from './printable.ts';
import type { AgentStatus } from './status.ts';

/** Half of a control frame: `auth` carries the held jobs beside the status. */
const STATUS_BYTES = LIMITS.controlBytes / 2;

const size = (status: AgentStatus): number => controlBytes(JSON.stringify(status));

/** What is kept at each step: how many problems of a connection, and how much of each of their texts. */
const STEPS: readonly (readonly [problems: number, text: number])[] = [
  ...([1000, 400, 200] as const).map((text) => [32, text] as const),
  ...([16, 8, 4, 2, 1] as const).map((problems) => [problems, 200] as const),
  [1, 80],
];

const MAX_NAME = 200;
const MAX_ADDRESS = 500;
const MAX_FAULTS = 4;

/** No text is longer than a receiver takes; lists that long would not fit into the message anyhow. */
const bounded = (status: AgentStatus): AgentStatus => {
  let long = false;
  const json = JSON.stringify(status, (_, value: unknown) => {
    if (typeof value !== 'string' || value.length <= LIMITS.textChars) return value;
    long = true;
    return shortened(value, LIMITS.textChars);
  });
  return long ? (JSON.parse(json) as AgentStatus) : status;
};

/**
 * A status that fits into a control frame. An agent with very many connections or problems tells less of each problem
 * first, then of fewer problems (the first of each file are kept, they are what a person mends first), then of fewer
 * connections, rather than nothing.
 */
export const fitStatus = (given: AgentStatus): AgentStatus => {
  const status = bounded(given);
  let fitted = status;
  for (const [problems, text] of STEPS) {
    if (size(fitted) <= STATUS_BYTES) break;
    const short = <Text extends string | null>(text: Text, most: number): Text | string =>
      text === null ? text : shortened(text, most);
    fitted = {
      ...status,
      ...(status.faults === undefined
        ? {}
        : {
            faults: status.faults.slice(0, MAX_FAULTS).map((fault) => ({
              ...fault,
              message: shortened(fault.message, text),
              advice: shortened(fault.advice, text),
            })),
          }),
      connections: status.connections.map((c) => ({
        ...c,
        name: short(c.name, MAX_NAME),
        url: short(c.url, MAX_ADDRESS),
        environment: short(c.environment, MAX_NAME),
        description: short(c.description, MAX_NAME),
        accessNotes: short(c.accessNotes, MAX_NAME),
        ...(c.settings === undefined
          ? {}
          : {
              settings: c.settings.map(({ name, value }) => ({
                name,
                value: shortened(value, Math.min(text, MAX_NAME)),
              })),
            }),
        ...(c.refuses && { refuses: c.refuses.map((one) => ({ ...one, why: shortened(one.why, text) })) }),
        problems: c.problems.slice(0, problems).map(({ excerpt, ...problem }) => ({
          ...problem,
          message: shortened(problem.message, text),
          advice: shortened(problem.advice, text),
          ...(excerpt === undefined ? {} : { excerpt: shortened(excerpt, text) }),
        })),
      })),
    };
  }
  for (let keep = fitted.connections.length; size(fitted) > STATUS_BYTES && keep > 0; ) {
    keep >>= 1;
    fitted = {
      ...fitted,
      connections: fitted.connections.slice(0, keep),
      omittedConnections: status.connections.length - keep,
    };
  }
  return fitted;
};
