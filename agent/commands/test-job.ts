import type { JobHandler } from '#agent/bridge/job-handler.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { leavingText } from '#config/redaction/leaving.ts';
import { CHECK_LIMITS, type CheckRecord, type SettingsRecord } from '#protocol/checks.ts';
import { ERROR_KINDS, Fault } from '#protocol/errors.ts';
import { TestOptions } from '#protocol/job-options.ts';
import { printable, shortened } from '#protocol/printable.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { optionsOf } from './job-options.ts';
import { withoutFolders } from './path-names.ts';
import { TestPace } from './test-pace.ts';

/** What is to be found out. */
export interface Diagnosis {
  /** The connection's file as the folder has it; it may be broken or disabled. */
  readonly state: ConnectionState;
  /** Also the agent's own way to the catalog. */
  readonly link: boolean;
  readonly signal: AbortSignal;
  /** Called as each check begins. */
  readonly onStart: (check: Pick<CheckRecord, 'target' | 'check'>) => void;
  /** Called with each check as it is found; the next one waits for it. */
  readonly onCheck: (check: CheckRecord) => Promise<void>;
  /** Called with what Qlik needs for the connection, form by form, when its checks are done. */
  readonly onSettings: (settings: SettingsRecord) => Promise<void>;
}

/** Runs the checks in their order, one after the other. */
export type Diagnose = (diagnosis: Diagnosis) => Promise<unknown>;

/**
 * A text as it may leave, such that it steers no terminal of whoever asks for it. What is longer is cut, so that one long
 * text does not spoil the test; secrets go before, as half a secret would not be known for one.
 */
const cleansed = (text: string, most: number): string => shortened(leavingText(withoutFolders(printable(text))), most);

const OWN_ADVICE: ReadonlySet<string> = new Set(Object.values(ERROR_KINDS).map(({ advice }) => advice));

/** A check as it may leave: servers write what they like into what was seen. Our own advice names keys, no values. */
const told = (check: CheckRecord): CheckRecord => {
  const lines = check.details.map((line) => cleansed(line, CHECK_LIMITS.line));
  return {
    ...check,
    seen: cleansed(check.seen, CHECK_LIMITS.text),
    ...(check.advice === undefined
      ? {}
      : { advice: OWN_ADVICE.has(check.advice) ? check.advice : cleansed(check.advice, CHECK_LIMITS.text) }),
    details:
      lines.length <= CHECK_LIMITS.lines
        ? lines
        : [...lines.slice(0, CHECK_LIMITS.lines - 1), `… and ${lines.length - CHECK_LIMITS.lines + 1} lines more`],
    durationMs: Math.max(0, Math.round(check.durationMs)),
  };
};

/** Settings as they may leave: names of users, hosts and headers stand in them as a file or a site gave them. */
const toldSettings = ({ title, fields, ...rest }: SettingsRecord): SettingsRecord => ({
  ...rest,
  title: cleansed(title, CHECK_LIMITS.line),
  fields: fields
    .slice(0, CHECK_LIMITS.fields)
    .map(({ name, value }) => ({ name: cleansed(name, CHECK_LIMITS.name), value: cleansed(value, CHECK_LIMITS.text) })),
});

/**
 * Does the jobs of kind `test`: runs the doctor's checks against a connection of the folder, also against one whose file
 * is broken or disabled, and sends each check as it is found, and at last what Qlik needs, if the job asks for it. It reads
 * nothing of the site into the catalog.
 */
export const testJob = (
  folder: Pick<ConnectionFolder, 'states'>,
  diagnose: Diagnose,
  log: Log,
  pace = new TestPace(),
): JobHandler => ({
  run: async (spec, sink, { signal, onProgress }) => {
    const options = optionsOf(TestOptions, spec);
    const files = folder.states().filter(({ code, state }) => code === spec.connection && state !== 'absent');
    const state = files.find(({ inForce }) => inForce !== null) ?? files[0];
    if (state === undefined)
      throw new Fault('job.unknown_connection', `This agent has no connection ${spec.connection}`);
    using _turn = pace.begin(spec.connection);
    log.info({ jobId: spec.jobId, connection: spec.connection }, 'test started');
    // An attempt that is begun again after a crash leaves behind what it had found before.
    await sink.write({ t: 'test' });
    const found = { pass: 0, fail: 0, skip: 0 };
    const report = (current: readonly string[]): void => {
      const done = found.pass + found.fail + found.skip;
      onProgress({ scopesDone: done, scopesTotal: null, records: done, current });
    };
    await diagnose({
      state,
      link: options.link,
      signal,
      onStart: ({ target, check }) => report([`${target}/${check}`]),
      onCheck: async (check) => {
        signal.throwIfAborted();
        found[check.status] += 1;
        report([]);
        await sink.write(told(check));
        await sink.flush();
      },
      onSettings: async (settings) => {
        signal.throwIfAborted();
        if (options.settings) await sink.write(toldSettings(settings));
      },
    });
    log.info({ jobId: spec.jobId, connection: spec.connection, ...found }, 'test done');
  },
});
