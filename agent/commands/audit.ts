import { join } from 'node:path';
import type { AuditEntry } from '#agent/audit/entry.ts';
import { AUDIT_FOLDER, NOTES_FOLDER, names } from '#agent/audit/files.ts';
import { readAudit, verifyAudit } from '#agent/audit/verify.ts';
import { findStateFolder } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';
import { printable, shortened } from '#protocol/printable.ts';
import { asUsage, FAILED } from './exit-codes.ts';
import { sizeText } from './size-text.ts';

export interface AuditOptions {
  readonly config: string;
  readonly since?: string;
  readonly connection?: string;
  readonly job?: string;
  readonly json?: boolean;
  readonly verify?: boolean;
}

const WIDTH = 80;
const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2026-01-31`, a time in ISO 8601, or how long ago: `90m`, `12h`, `7d`. @throws Fault `config.invalid` */
export const sinceTime = (text: string, nowMs: number): string => {
  const [, amount = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (unit !== '') return new Date(nowMs - Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS]).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new Fault('config.invalid', `--since ${text} is no time`, {
      advice: 'Give a day (2026-01-31), a time (2026-01-31T12:00:00Z), or how long ago: 90m, 12h, 7d.',
    });
  return new Date(time).toISOString();
};

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

const counts = (kinds: Readonly<Record<string, number>>): string =>
  Object.entries(kinds)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');

/** What happened, in a few words; the second line says more where there is more. */
const told = (entry: AuditEntry): readonly [string, ...string[]] => {
  switch (entry.event) {
    case 'batch': {
      const head = `${entry.acknowledged ? 'sent' : 'MAY HAVE LEFT'}  ${entry.connection ?? '?'}  ${entry.records} records, ${sizeText(entry.bytes)}`;
      return [head, `job ${entry.job} attempt ${entry.attempt} batch ${entry.seq}`, counts(entry.kinds ?? {})];
    }
    case 'enrolled':
      return [`enrolled as agent ${entry.agent}`, `of ${entry.organisation} at ${entry.gateway}`];
    case 'keyRotated':
      return [`the key of this agent was changed`, `to ${entry.key}`];
    case 'catalogKeyChanged':
      return ['the signing key of the catalog was changed', `to ${entry.key}`];
    case 'identityReset':
      return [`the identity was given up`, entry.agent === null ? '' : `of agent ${entry.agent}`];
    case 'sessionRefused':
      return [`the catalog ended the session for good (${entry.code})`, entry.reason];
    case 'policy':
      return [
        entry.state === 'none'
          ? 'no policy file is named any more'
          : `the policy file ${entry.state === 'broken' ? 'cannot be used' : 'is in force'}`,
        entry.file ?? '',
        ...entry.denies.map((denial) => `denied: ${denial}`),
      ];
    case 'jobRefused':
      return [`refused job ${entry.job}`, `${entry.code}: ${entry.reason}`];
    case 'supportBundle':
      return [`a bundle for support was made, ${sizeText(entry.bytes)}`, entry.file];
    case 'logLevel':
      return [`the catalog set the log to ${entry.level} for ${Math.round(entry.forMs / 60_000)} minutes`];
    case 'missing':
      return [`ENTRIES ${entry.from} TO ${entry.to} WERE MISSING`];
    default:
      entry satisfies never;
      return ['?'];
  }
};

const show = (entry: AuditEntry): string => {
  const [head, ...more] = told(entry);
  const unlisted = 'unlisted' in entry ? (entry.unlisted ?? 0) : 0;
  if (unlisted > 0) more.push(`and ${unlisted} before it that are not listed: the catalog caused too many`);
  const first = shortened(printable(`${entry.at.slice(0, 19).replace('T', ' ')}Z  ${head}`), WIDTH);
  const rest = more.filter((line) => line !== '').map((line) => shortened(printable(`    ${line}`), WIDTH));
  return [first, ...rest].join('\n');
};

const matches = (entry: AuditEntry, options: AuditOptions, since: string | undefined): boolean =>
  (since === undefined || entry.at >= since) &&
  (options.connection === undefined || ('connection' in entry && entry.connection === options.connection)) &&
  (options.job === undefined || ('job' in entry && entry.job === options.job));

/** Checks the chain of hashes and says what is wrong with it. Sets the exit code. */
const verify = async (folder: string, json: boolean): Promise<void> => {
  const verdict = await verifyAudit(folder);
  if (verdict.flaws.length > 0) process.exitCode = FAILED;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...verdict, ok: verdict.flaws.length === 0 })}\n`);
    return;
  }
  for (const { file, line, what } of verdict.flaws)
    process.stdout.write(`${shortened(printable(`${file}:${line}: ${what}`), WIDTH)}\n`);
  const range = verdict.entries === 0 ? 'none' : `${verdict.first} to ${verdict.last}`;
  process.stdout.write(
    `${count(verdict.entries, 'entry', 'entries')} (${range}) in ${count(verdict.files, 'file')}, ${count(verdict.flaws.length, 'flaw')}\n`,
  );
};

/**
 * Shows what left this machine, or checks that nobody changed what is told of it.
 *
 * @throws Fault for settings that cannot be read
 */
export const audit = async (options: AuditOptions): Promise<void> => {
  const { since: from } = options;
  const since = from === undefined ? undefined : asUsage(() => sinceTime(from, Date.now()));
  const stateFolder = findStateFolder(options.config);
  if (stateFolder === undefined)
    throw new Fault('config.unreadable', `${options.config} cannot be read`, { advice: 'Name another with --config.' });
  const folder = join(stateFolder, AUDIT_FOLDER);
  if (options.verify) {
    await verify(folder, options.json ?? false);
    return;
  }
  const total = { entries: 0, records: 0, bytes: 0 };
  for await (const { file, line, entry, flaw } of readAudit(folder)) {
    if (flaw !== undefined) process.stderr.write(`${shortened(printable(`${file}:${line}: ${flaw}`), WIDTH)}\n`);
    if (entry === undefined || !matches(entry, options, since)) continue;
    total.entries += 1;
    if (entry.event === 'batch') {
      total.records += entry.records;
      total.bytes += entry.bytes;
    }
    process.stdout.write(`${options.json ? JSON.stringify(entry) : show(entry)}\n`);
  }
  if (options.json) return;
  const { entries, records, bytes } = total;
  process.stdout.write(`${count(entries, 'entry', 'entries')}, ${count(records, 'record')}, ${sizeText(bytes)}\n`);
  // What other commands did while no agent runs stands beside the log until then.
  const waiting = (await names(join(folder, NOTES_FOLDER))).filter((name) => name.endsWith('.json')).length;
  if (waiting > 0)
    process.stdout.write(`${waiting} more ${waiting === 1 ? 'is' : 'are'} taken into the log when the agent runs\n`);
};
