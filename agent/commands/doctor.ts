import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Diagnosis, diagnose, type Subject } from '#agent/doctor/diagnose.ts';
import { diagnoseLink, type LinkDiagnosis } from '#agent/doctor/link.ts';
import { verdictOf } from '#agent/doctor/run.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { authorityFile } from '#agent/network/probe/authority-file.ts';
import type { RouteProbe } from '#agent/network/probe/route.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { scanFolder } from '#config/folder.ts';
import { loadConnectionFile } from '#config/loading.ts';
import type { Secrets } from '#config/secrets/secrets.ts';
import type { UsableSettings } from '#config/settings-watch.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import { Fault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { colours, neededText, painter, screen, settingsText } from './doctor-screen.ts';
import { FAILED, USAGE } from './exit-codes.ts';
import { type NewFileAdvice, writeNewFiles } from './new-file.ts';
import { STANDARD_CONFIG } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { readUsableSettings } from './settings.ts';
import { untilStopped } from './stop.ts';

export interface DoctorOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly link?: boolean;
  readonly rules?: boolean;
  readonly saveCa?: string;
  readonly timeout?: string;
}

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

/** The connections that are meant. Undefined after wrong usage was said. */
const choose = async (
  wanted: string | undefined,
  connectionsFolder: string,
  secrets: Secrets,
): Promise<readonly Patient[] | undefined> => {
  const all = await patientsIn(connectionsFolder, secrets);
  if (wanted === undefined) return all;
  const chosen = all.filter(({ code, subject }) => code === wanted || basename(subject.file) === wanted);
  if (chosen.length > 0) return chosen;
  const known = all.map(({ code, subject }) => code ?? basename(subject.file)).join(', ');
  process.stderr.write(
    `${printable(`There is no connection ${wanted} in ${connectionsFolder}, and no such file. ${known === '' ? 'The folder is empty.' : `There are: ${known}`}`)}\n`,
  );
  return undefined;
};

/** For a file that is named the standard settings need not be there, unless the link is to be looked at. */
const loadedFor = (named: boolean, { config, link }: DoctorOptions): UsableSettings | undefined =>
  named && !link && config === STANDARD_CONFIG && !existsSync(config) ? undefined : readUsableSettings(config);

const mostMsOf = (timeout: string | undefined): number | undefined => {
  if (timeout === undefined) return undefined;
  const seconds = Number(timeout);
  return Number.isFinite(seconds) && seconds > 0 && seconds <= 3600 ? seconds * 1000 : Number.NaN;
};

/** What is being looked at, for a person who waits; on standard error, gone when it is done. */
const progress = (title: string) => {
  if (!process.stderr.isTTY) return { start: () => undefined, end: () => undefined };
  return {
    start: ({ check }: Pick<CheckRecord, 'check'>) => process.stderr.write(`\r\u001b[K${printable(title)}: ${check} …`),
    end: () => process.stderr.write('\r\u001b[K'),
  };
};

const titleOf = ({ code, name, subject }: Patient): string =>
  `${code ?? subject.file}${name === null || name === code ? '' : ` (${name})`}`;

/** A server that only trust is missing for, and where that trust would be named. */
interface Untrusted {
  readonly place: string;
  readonly probe: Pick<RouteProbe, 'authority' | 'chain' | 'shownBy'>;
  /** The file whose key it would belong to. */
  readonly file: string;
}

const keyOf = ({ probe }: Untrusted): string => `${probe.shownBy === undefined ? '' : 'proxy.'}tls.truststore.path`;

const SAVE_ADVICE: NewFileAdvice = {
  there: 'Name a file that is not there yet with --save-ca: that one may be in use.',
  unwritable: 'Name a file in a folder that this user may write with --save-ca.',
};

/**
 * Writes what a person may want to trust, for one key of one file: trust that one server asks for must not come to count
 * for another. Certificates are no secret.
 */
const saveAuthorities = async (path: string, found: readonly Untrusted[]): Promise<string> => {
  const untrusted = found.filter(({ probe }) => probe.authority !== undefined);
  const keys = [...new Set(untrusted.map((one) => `${keyOf(one)} of ${one.file}`))];
  const [first] = untrusted;
  if (first === undefined) return 'Nothing was saved: no server showed a certificate that only trust is missing for.';
  if (keys.length > 1)
    return `Nothing was saved, as more than one place lacks an authority, and what one server\nshows must not be trusted for another:\n\n${keys.map((key) => `  ${key}\n`).join('')}\nLook at one connection alone: culvert doctor CODE --save-ca …\nor at the link to the catalog: culvert doctor --link --save-ca …`;
  const texts = new Map(
    untrusted.map(({ place, probe }) => [probe.authority?.fingerprint256, authorityFile(probe, place) ?? '']),
  );
  await writeNewFiles([{ path, content: [...texts.values()].join('\n'), mode: 0o644 }], SAVE_ADVICE);
  return `Saved what is missing to ${path}. Read its first lines, compare the\nfingerprint, then write into ${basename(first.file)}:\n\n  ${keyOf(first)} = "${path}"`;
};

const summary = (records: readonly CheckRecord[]) => {
  const found = verdictOf(records);
  const verdict =
    found === undefined ? null : { check: found.check, code: found.code, seen: found.seen, advice: found.advice };
  return { ok: found === undefined, verdict };
};

/** Looks at connections and at the link, and prints each as it is done. */
export const doctor = async (wanted: string | undefined, options: DoctorOptions): Promise<void> => {
  const mostMs = mostMsOf(options.timeout);
  if (Number.isNaN(mostMs)) {
    process.stderr.write('--timeout wants seconds, 3600 at most.\n');
    process.exitCode = USAGE;
    return;
  }
  const named = wanted !== undefined && (await isFile(wanted));
  const loaded = loadedFor(named, options);
  const dialer = new Dialer();
  await using sessions = new VisitorSessions(loaded?.settings, dialer, SILENT);
  const { secrets } = sessions;
  const linkAlone = options.link === true && wanted === undefined;
  const patients = linkAlone
    ? []
    : named || loaded === undefined
      ? [await patientOf(wanted ?? '', secrets)]
      : await choose(wanted, loaded.settings.connectionsFolder, secrets);
  if (patients === undefined) {
    process.exitCode = USAGE;
    return;
  }
  const stop = new AbortController();
  void untilStopped().then(() =>
    stop.abort(new Fault('job.cancelled', 'The doctor was stopped', { advice: 'Run it again for the rest.' })),
  );
  const run = { dialer, signal: stop.signal, mostMs, onCheck: () => undefined };
  const paint = painter(colours(process.stdout, process.env));
  let printed = 0;
  const print = (text: string): void => {
    if (!options.json) process.stdout.write(printed++ === 0 ? text : `\n${text}`);
  };
  const looked: { readonly patient: Patient; readonly diagnosis: Diagnosis }[] = [];
  for (const patient of patients) {
    const title = titleOf(patient);
    const { start, end } = progress(title);
    const diagnosis = await diagnose(patient.subject, { ...run, onStart: start, probe: { pastProxy: true } });
    end();
    looked.push({ patient, diagnosis });
    const needed = options.rules
      ? settingsText(diagnosis.settings)
      : neededText(diagnosis, patient.code ?? patient.subject.file);
    print(screen(title, diagnosis.records, paint, options.rules ? 0 : needed.split('\n').length - 1));
    if (needed.trim() !== '') print(needed);
  }
  if (looked.length === 0 && !linkAlone) print('There are no connection files.\n');
  const link = await lookAtLink(linkWanted(wanted, options, loaded) ? loaded : undefined, run);
  if (link !== undefined) print(screen(`link to the catalog (${link.place})`, link.records, paint));
  const untrusted = [
    ...looked.flatMap(({ patient, diagnosis }) =>
      diagnosis.untrusted.map((one) => ({ ...one, file: patient.subject.file })),
    ),
    ...(link?.probe === undefined ? [] : [{ place: link.place, probe: link.probe, file: options.config }]),
  ];
  if (options.saveCa !== undefined) print(`${await saveAuthorities(options.saveCa, untrusted)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(report(looked, link), null, 2)}\n`);
  const all = [...looked.map(({ diagnosis }) => diagnosis.records), link?.records ?? []];
  if (all.some((records) => verdictOf(records) !== undefined)) process.exitCode = FAILED;
};

/** With everything comes the link, where there is a catalog; with one connection, or alone, when it is asked for. */
const linkWanted = (wanted: string | undefined, { link }: DoctorOptions, loaded: UsableSettings | undefined): boolean =>
  link === true || (wanted === undefined && loaded?.settings.gatewayUrl !== undefined);

const lookAtLink = async (
  loaded: UsableSettings | undefined,
  run: { readonly dialer: Dialer; readonly signal: AbortSignal; readonly mostMs: number | undefined },
): Promise<LinkDiagnosis | undefined> => {
  if (loaded === undefined) return undefined;
  const { start, end } = progress('link');
  const { settings, problems } = loaded;
  const link = await diagnoseLink({
    ...run,
    settings,
    problems,
    onStart: start,
    onCheck: () => undefined,
    pastProxy: true,
  });
  end();
  return link;
};

/** What `--json` prints: of each whether all is well, the first check that failed (or null), and all checks. */
const report = (
  looked: readonly { readonly patient: Patient; readonly diagnosis: Diagnosis }[],
  link: LinkDiagnosis | undefined,
) => ({
  connections: looked.map(({ patient, diagnosis }) => ({
    code: patient.code,
    name: patient.name,
    file: patient.subject.file,
    ...summary(diagnosis.records),
    checks: diagnosis.records,
    settings: diagnosis.settings.map(({ title, fields }) => ({ title, fields: Object.fromEntries(fields) })),
  })),
  link: link === undefined ? null : { ...summary(link.records), checks: link.records },
});
