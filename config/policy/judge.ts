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
  const { jobs, connections, hours, fullCrawls, inventories, previews } = policy;
  if (jobs && !jobs.value.includes(asked.kind))
    return `${line(jobs)}: jobs allows ${orNothing(jobs.value)}, and not ${asked.kind}.`;
  if (connections && !connections.value.some((pattern) => matches(pattern, asked.connection)))
    return `${line(connections)}: connections allows ${orNothing(connections.value)}, and not ${asked.connection}.`;
  const isFull = asked.kind === 'crawl' && asked.options['mode'] === 'full';
  if (isFull && fullCrawls?.value === false) return `${line(fullCrawls)}: full_crawls is false.`;
  if (asked.kind === 'inventory' && inventories?.value === false) return `${line(inventories)}: inventories is false.`;
  if (wantsData(asked) && previews?.value === false) return `${line(previews)}: previews is false.`;
  if (nowMs !== undefined && hours && !isWithin(hours.value.windows, hours.value.timeZone, nowMs))
    return `${line(hours)}: hours allows jobs to begin at ${orNothing([hours.value.text].filter(Boolean))} (${hours.value.timeZone}) only.`;
  return undefined;
};

/** Whether a job asks for real values of the site's data. */
const wantsData = ({ kind, options }: Asked): boolean => kind === 'preview' && options['data'] === true;

/**
 * Why no policy allows that a job brings real values: it has to be said. Where the agent has a policy file that one has to
 * say it, and the connection's own rules cannot widen it; undefined for all other jobs, too.
 */
export const withoutLeave = (
  agents: Policy | undefined,
  ofConnection: Policy | undefined,
  asked: Asked,
): string | undefined =>
  !wantsData(asked) || (agents ?? ofConnection)?.previews?.value === true
    ? undefined
    : 'No policy allows previews with real values (previews = true).';

/** What the policy forbids, a sentence each, for people who wonder what this agent will do. */
export const denials = ({
  jobs,
  connections,
  hours,
  jobsPerHour,
  scripts,
  scriptTexts,
  keepScripts,
  fullCrawls,
  inventories,
  previews,
  remoteLogLevel,
}: Policy): readonly string[] => [
  ...(jobs ? [`Jobs other than ${orNothing(jobs.value)} (${line(jobs)})`] : []),
  ...(connections ? [`Jobs for connections other than ${orNothing(connections.value)} (${line(connections)})`] : []),
  ...(hours
    ? [`Jobs that begin outside ${hours.value.text || 'no hours at all'}, ${hours.value.timeZone} (${line(hours)})`]
    : []),
  ...(jobsPerHour ? [`More than ${jobsPerHour.value} jobs in an hour (${line(jobsPerHour)})`] : []),
  ...(scripts?.value === false ? [`Load scripts (${line(scripts)})`] : []),
  ...(scriptTexts?.value === false ? [`Texts of load scripts (${line(scriptTexts)})`] : []),
  ...(keepScripts?.value === false ? [`Keeping scripts on the agent's machine (${line(keepScripts)})`] : []),
  ...(fullCrawls?.value === false ? [`Full crawls (${line(fullCrawls)})`] : []),
  ...(inventories?.value === false ? [`Inventories (${line(inventories)})`] : []),
  ...(previews?.value === true
    ? []
    : [`Previews with real values${previews ? ` (${line(previews)})` : ', which no rule allows'}`]),
  ...(remoteLogLevel?.value === false ? [`Logging more when the catalog asks (${line(remoteLogLevel)})`] : []),
];
