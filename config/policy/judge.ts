import { isWithin } from './hours.ts';
import type { Policy, Rule } from './policy.ts';

/** What a job asks for, as far as a policy can forbid it. */
export interface Asked {
  readonly kind: string;
  readonly connection: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const matches = (pattern: string, text: string): boolean => {
  // Without a regular expression: a pattern with many stars takes time that grows with the product of the lengths only.
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.slice(first.length).endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
};

const line = ({ at }: Rule<unknown>): string => `${at.file}, line ${at.line}`;
const orNothing = (list: readonly string[]): string => (list.length === 0 ? 'nothing' : list.join(', '));

/** Why the policy does not allow the job, with its line; undefined when it does. */
export const denied = (
  policy: Policy,
  asked: Asked,
  /** Undefined for a job that has begun: it may end at any hour. */
  nowMs: number | undefined,
): string | undefined => {
  const { jobs, connections, hours, previews } = policy;
  if (jobs && !jobs.value.includes(asked.kind))
    return `${line(jobs)}: jobs allows ${orNothing(jobs.value)}, and not ${asked.kind}.`;
  if (connections && !connections.value.some((pattern) => matches(pattern, asked.connection)))
    return `${line(connections)}: connections allows ${orNothing(connections.value)}, and not ${asked.connection}.`;
  if (asked.options['previews'] === true && previews?.value !== true)
    return `${previews ? line(previews) : 'The policy'}: previews are not allowed.`;
  if (nowMs !== undefined && hours && !isWithin(hours.value.windows, hours.value.timeZone, nowMs))
    return `${line(hours)}: hours allows jobs to begin at ${orNothing([hours.value.text].filter(Boolean))} (${hours.value.timeZone}) only.`;
  return undefined;
};

/** What the policy forbids, a sentence each, for people who wonder what this agent will do. */
export const denials = ({
  jobs,
  connections,
  hours,
  jobsPerHour,
  scripts,
  remoteLogLevel,
}: Policy): readonly string[] => [
  ...(jobs ? [`Jobs other than ${orNothing(jobs.value)} (${line(jobs)})`] : []),
  ...(connections ? [`Jobs for connections other than ${orNothing(connections.value)} (${line(connections)})`] : []),
  ...(hours
    ? [`Jobs that begin outside ${hours.value.text || 'no hours at all'}, ${hours.value.timeZone} (${line(hours)})`]
    : []),
  ...(jobsPerHour ? [`More than ${jobsPerHour.value} jobs in an hour (${line(jobsPerHour)})`] : []),
  ...(scripts?.value === false ? [`Load scripts (${line(scripts)})`] : []),
  ...(remoteLogLevel?.value === false ? [`Logging more when the catalog asks (${line(remoteLogLevel)})`] : []),
];
