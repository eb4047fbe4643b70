import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Diagnosis, diagnose, type Subject } from '#agent/doctor/diagnose.ts';
import { verdictOf } from '#agent/doctor/run.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { scanFolder } from '#config/folder.ts';
import { loadConnectionFile } from '#config/loading.ts';
import type { Secrets } from '#config/secrets/secrets.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import { Fault } from '#protocol/errors.ts';
import { colours, painter, screen, settingsText, wantsSettings } from './doctor-screen.ts';
import { STANDARD_CONFIG, settingsFor } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { readSettings } from './settings.ts';
import { untilStopped } from './stop.ts';

export interface DoctorOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly rules?: boolean;
  readonly timeout?: string;
}

/** Wrong usage, as for an option that does not exist. */
const USAGE = 2;

interface Patient {
  readonly code: string | null;
  readonly name: string | null;
  readonly subject: Subject;
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() === true;

/** One file by its path. */
const patientOf = async (path: string, secrets: Secrets): Promise<Patient> => {
  const file = basename(path);
  const parsed = await loadConnectionFile(file, { folder: dirname(resolve(path)), secrets });
  if (parsed === undefined)
    throw new Fault('config.unreadable', `There is no file ${path}`, { advice: 'Name one connection file.' });
  return {
    code: parsed.connection?.code ?? parsed.code ?? null,
    name: parsed.connection?.name ?? parsed.name ?? null,
    subject: { file: path, connection: parsed.connection, problems: parsed.problems },
  };
};

const patientsIn = async (folder: string, secrets: Secrets): Promise<readonly Patient[]> => {
  const { states, connections } = await scanFolder(folder, { secrets });
  return states
    .filter(({ state }) => state !== 'absent')
    .map(({ code, name, file, problems }) => ({
      code,
      name,
      subject: {
        file: join(basename(folder), file),
        connection: connections.find((one) => one.file === file),
        problems,
      },
    }));
};

/** Whom to look at: a file, or connections of a folder. Undefined after wrong usage was said. */
const choose = async (
  wanted: string | undefined,
  connectionsFolder: string | undefined,
  secrets: Secrets,
): Promise<readonly Patient[] | undefined> => {
  if (connectionsFolder === undefined) return wanted === undefined ? [] : [await patientOf(wanted, secrets)];
  const all = await patientsIn(connectionsFolder, secrets);
  if (wanted === undefined) return all;
  const chosen = all.filter(({ code, subject }) => code === wanted || basename(subject.file) === wanted);
  if (chosen.length > 0) return chosen;
  const known = all.map(({ code, subject }) => code ?? basename(subject.file)).join(', ');
  process.stderr.write(
    `There is no connection ${wanted} in ${connectionsFolder}, and no such file. ${known === '' ? 'The folder is empty.' : `There are: ${known}`}\n`,
  );
  return undefined;
};

const mostMsOf = (timeout: string | undefined): number | undefined => {
  if (timeout === undefined) return undefined;
  const seconds = Number(timeout);
  return Number.isFinite(seconds) && seconds > 0 && seconds <= 3600 ? seconds * 1000 : Number.NaN;
};

/** What is being looked at, for a person who waits; on standard error, gone when it is done. */
const progress = (title: string): ((record?: CheckRecord) => void) => {
  if (!process.stderr.isTTY) return () => undefined;
  return (record) =>
    process.stderr.write(record === undefined ? '\r\u001b[K' : `\r\u001b[K${title}: ${record.check} ${record.status}`);
};

const titleOf = ({ code, name, subject }: Patient): string =>
  `${code ?? subject.file}${name === null || name === code ? '' : ` (${name})`}`;

export const doctor = async (wanted: string | undefined, options: DoctorOptions): Promise<void> => {
  const mostMs = mostMsOf(options.timeout);
  if (Number.isNaN(mostMs)) {
    process.stderr.write('--timeout wants seconds, from 1 to 3600.\n');
    process.exitCode = USAGE;
    return;
  }
  const named = wanted !== undefined && (await isFile(wanted));
  // For a file that is named the standard settings need not be there.
  const optional = options.config === STANDARD_CONFIG ? undefined : options.config;
  const settings = named ? settingsFor(optional) : readSettings(options.config);
  const dialer = new Dialer();
  await using sessions = new VisitorSessions(settings, dialer, SILENT);
  const patients = await choose(wanted, named ? undefined : settings?.connectionsFolder, sessions.secrets);
  if (patients === undefined) {
    process.exitCode = USAGE;
    return;
  }
  const stop = new AbortController();
  void untilStopped().then(() =>
    stop.abort(new Fault('job.cancelled', 'The doctor was stopped', { advice: 'Run it again for the rest.' })),
  );
  const paint = painter(colours(process.stdout, process.env));
  const looked: { readonly patient: Patient; readonly diagnosis: Diagnosis }[] = [];
  for (const patient of patients) {
    const title = titleOf(patient);
    const tell = progress(title);
    const diagnosis = await diagnose(patient.subject, { dialer, onCheck: tell, signal: stop.signal, mostMs });
    tell();
    looked.push({ patient, diagnosis });
    if (options.json) continue;
    if (looked.length > 1) process.stdout.write('\n');
    process.stdout.write(screen(title, diagnosis.records, paint));
    if (options.rules) process.stdout.write(`\n${settingsText(diagnosis.settings)}`);
    else if (wantsSettings(diagnosis))
      process.stdout.write(
        `\nculvert doctor ${patient.code ?? patient.subject.file} --rules prints what the QMC needs for it.\n`,
      );
  }
  if (options.json)
    process.stdout.write(
      `${JSON.stringify(
        {
          connections: looked.map(({ patient, diagnosis }) => ({
            code: patient.code,
            name: patient.name,
            file: patient.subject.file,
            ...summary(diagnosis.records),
            checks: diagnosis.records,
            settings: diagnosis.settings.map(({ title, fields }) => ({ title, fields: Object.fromEntries(fields) })),
          })),
        },
        null,
        2,
      )}\n`,
    );
  else if (looked.length === 0) process.stdout.write('There are no connection files.\n');
  if (looked.some(({ diagnosis }) => verdictOf(diagnosis.records) !== undefined)) process.exitCode = 1;
};

const summary = (records: readonly CheckRecord[]) => {
  const verdict = verdictOf(records);
  return verdict === undefined
    ? { ok: true }
    : { ok: false, failed: verdict.check, code: verdict.code, advice: verdict.advice };
};
