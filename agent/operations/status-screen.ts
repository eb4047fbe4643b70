import { hanging } from '#config/connection/problem.ts';
import { printable } from '#protocol/printable.ts';
import type { AgentFacts, ConnectionFacts, RunningJob } from './facts.ts';
import { ailments, type Findings, verdictOf } from './findings.ts';
import type { RecentEntry } from './recent.ts';

const WIDTH = 80;
const LABEL = 13;
const MOST_CONNECTIONS = 12;
const MOST_ERRORS = 5;
const DISK_LOW_SHARE = 0.05;

const row = (label: string, text: string): string => hanging(`  ${label.padEnd(LABEL)}`, printable(text), WIDTH);
const plain = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** `37 s`, `5 min`, `3 h`, `12 days`. */
export const lasting = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
};

/** `412 B`, `3.4 MB`, in powers of 1024. */
export const sized = (bytes: number): string => {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
};

const moment = (iso: string): string => {
  const at = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
};

const since = (iso: string, nowMs: number): string => `since ${moment(iso)} (${lasting(nowMs - Date.parse(iso))})`;

const linkRows = ({ link, notReady }: AgentFacts, nowMs: number): readonly string[] => {
  const open = link.state === 'open';
  const way = `${link.transport}, ${link.way}`;
  const answered =
    link.sinceRoundTripMs === null
      ? 'no answer yet'
      : `last answer ${lasting(link.sinceRoundTripMs)} ago${link.roundTripMs === null ? '' : `, round trip ${Math.round(link.roundTripMs)} ms`}`;
  return [
    row('link', `${open ? 'up' : `down (${link.state})`} ${since(link.since, nowMs)}`),
    row('', `to ${link.gateway}, ${way}`),
    ...(open ? [row('', answered)] : []),
    ...(notReady === null ? [] : [row('', `! ${notReady}`)]),
    ...(link.error === null || open ? [] : [row('', `→ ${link.error.advice}`)]),
  ];
};

const connectionRow = ({ file, code, name, state, problem, warnings }: ConnectionFacts): string => {
  const text =
    problem ?? `${name ?? file}${warnings === 0 ? '' : ` (${plain(warnings, 'warning')}: culvert validate)`}`;
  return hanging(`    ${printable(`${(code ?? file).padEnd(14)} ${state.padEnd(9)}`)}`, printable(text), WIDTH);
};

const connectionRows = ({ connections, connectionsFolder }: AgentFacts): readonly string[] => {
  // What needs a person first.
  const sorted = [...connections].sort((a, b) => Number(b.state === 'error') - Number(a.state === 'error'));
  const shown = sorted.slice(0, MOST_CONNECTIONS);
  return [
    row('connections', `${connections.length === 0 ? 'none' : connections.length} in ${connectionsFolder}`),
    ...shown.map(connectionRow),
    ...(shown.length < sorted.length ? [`    and ${sorted.length - shown.length} more (culvert status --json)`] : []),
  ];
};

const jobRow = (
  { kind, connection, scopesDone, scopesTotal, records, since: begun }: RunningJob,
  nowMs: number,
): string =>
  `${kind} of ${connection}: ${scopesDone} of ${scopesTotal ?? '?'} parts, ${plain(records, 'record')}, for ${lasting(nowMs - Date.parse(begun))}`;

const jobRows = ({ jobs }: AgentFacts, nowMs: number): readonly string[] =>
  jobs.length === 0 ? [row('jobs', 'none')] : jobs.map((job, i) => row(i === 0 ? 'jobs' : '', jobRow(job, nowMs)));

const spoolRows = ({ spool }: AgentFacts): readonly string[] => [
  row(
    'spool',
    `${sized(spool.bytes)} of ${sized(spool.limitBytes)}; ${spool.attempts === 0 ? 'nothing waits' : `${plain(spool.attempts, 'job')} in it`}`,
  ),
  ...(spool.error === null ? [] : [row('', `! ${spool.error.message}`), row('', `→ ${spool.error.advice}`)]),
];

const diskRow = ({ disk: { freeBytes, totalBytes } }: AgentFacts): string => {
  if (freeBytes === null || totalBytes === null) return row('disk', 'cannot be measured');
  const low = freeBytes < totalBytes * DISK_LOW_SHARE;
  return row('disk', `${sized(freeBytes)} free of ${sized(totalBytes)}${low ? ': almost full' : ''}`);
};

const logRow = ({ log }: AgentFacts): string => {
  const raised = log.raisedUntil === null ? '' : `, as the catalog asked until ${moment(log.raisedUntil)}`;
  const lost = log.droppedLines === 0 ? '' : `; ${plain(log.droppedLines, 'line')} lost`;
  return row('log', `${log.level}${raised}${lost}; ${log.file ?? 'standard error'}`);
};

const errorRows = (recent: readonly RecentEntry[]): readonly string[] => {
  if (recent.length === 0) return [row('last errors', 'none')];
  return [
    row('last errors', ''),
    ...recent
      .slice(0, MOST_ERRORS)
      .map(({ time, level, code, message, count }) =>
        hanging(
          `    ${moment(time).slice(5)} ${level.padEnd(5)} `,
          printable(`${message}${code === undefined ? '' : ` [${code}]`}${count === 1 ? '' : ` (${count} times)`}`),
          WIDTH,
        ),
      ),
  ];
};

const runningScreen = (agent: AgentFacts, nowMs: number): readonly string[] => {
  const ill = ailments(agent);
  return [
    printable(
      `culvert ${agent.version} on ${agent.hostname}: ${ill.length === 0 ? 'running, all well' : 'running, not well'}`,
    ),
    row('process', `${agent.pid}, ${since(agent.startedAt, nowMs)}, ${sized(agent.memoryBytes)} of memory`),
    row('agent', `${agent.agentId} of ${agent.organisation}`),
    ...linkRows(agent, nowMs),
    ...connectionRows(agent),
    ...jobRows(agent, nowMs),
    ...spoolRows(agent),
    diskRow(agent),
    logRow(agent),
    ...agent.faults
      .filter(({ message }) => message !== agent.spool.error?.message)
      .flatMap(({ message, advice }) => [row('trouble', `! ${message}`), row('', `→ ${advice}`)]),
    ...errorRows(agent.recent),
  ];
};

const downScreen = (found: Findings): readonly string[] => {
  const { stateFolder, stateTrouble, lockedBy, silent, enrolled, spooled, lastWords, settingsTrouble } = found;
  const bytes = spooled.reduce((sum, attempt) => sum + attempt.bytes, 0);
  const head =
    stateTrouble !== null
      ? 'culvert: no agent answers; whether one runs this user cannot see'
      : lockedBy === null
        ? 'culvert: not running'
        : `culvert: running (process ${lockedBy}), and does not answer`;
  return [
    head,
    row('state folder', `${stateFolder}${stateTrouble === null ? '' : `: ${stateTrouble}`}`),
    ...(silent === null ? [] : [row('health', `! ${silent}`)]),
    ...(settingsTrouble === null ? [] : [row('settings', `! ${settingsTrouble}`)]),
    ...(enrolled === null ? [] : [row('enrolled', enrolled ? 'yes' : 'no: culvert enroll comes first')]),
    ...(stateTrouble !== null || lockedBy !== null
      ? []
      : [
          row(
            'spool',
            spooled.length === 0
              ? 'empty'
              : `${sized(bytes)} of ${plain(spooled.length, 'job')}; goes on at the next start`,
          ),
        ]),
    ...(stateTrouble === null ? errorRows(lastWords) : []),
    ...(lockedBy === null && stateTrouble === null && enrolled === true ? [row('start it', 'culvert run')] : []),
  ];
};

/** What an administrator wants to know, in 80 columns. */
export const statusScreen = (found: Findings, nowMs: number): string => {
  const lines = found.agent === null ? downScreen(found) : runningScreen(found.agent, nowMs);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
};

/** For `--json`: the findings with the verdict, and what keeps it from being well. */
export const statusReport = (found: Findings): unknown => ({
  verdict: verdictOf(found),
  ailments: found.agent === null ? [] : ailments(found.agent),
  ...found,
});
