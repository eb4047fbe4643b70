import type { Dialer } from '#agent/network/dialer.ts';
import type { ProbeOptions, RouteProbe } from '#agent/network/probe/route.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import type { CheckId, CheckRecord } from '#protocol/checks.ts';
import type { Check } from './check.ts';
import { authentication } from './checks/authentication.ts';
import { engine, openApp } from './checks/engine.ts';
import { fileChecks, type Subject } from './checks/file.ts';
import { networkChecks, Walks } from './checks/network.ts';
import { objects } from './checks/objects.ts';
import { repository } from './checks/repository.ts';
import { rights, sessions } from './checks/rights.ts';
import { virtualProxy } from './checks/virtual-proxy.ts';
import { websocket } from './checks/websocket.ts';
import { runChecks } from './run.ts';
import { type SettingsBlock, settingsFor } from './settings.ts';
import { openVisit, type Visit } from './visit.ts';

export type { Subject } from './checks/file.ts';

export interface DiagnoseOptions {
  /** The Dialer of a running agent shares its sessions with Qlik: then nothing new is opened where one is there. */
  readonly dialer: Dialer;
  /** Each record as it is found. */
  readonly onCheck: (record: CheckRecord) => void | Promise<void>;
  /** Each check as it begins. */
  readonly onStart?: ((check: Pick<CheckRecord, 'check' | 'target'>) => void) | undefined;
  /** Ends the diagnosis: it rejects with the reason. */
  readonly signal: AbortSignal;
  /** The most that one check may take. */
  readonly mostMs?: number | undefined;
  readonly patience?: Patience;
  /** How the way is walked; for tests. */
  readonly probe?: ProbeOptions;
  /** The clock, ms since 1970. */
  readonly nowMs?: () => number;
}

export interface Diagnosis {
  readonly records: readonly CheckRecord[];
  /** What the QMC needs for this connection; empty when the file cannot be read. */
  readonly settings: readonly SettingsBlock[];
  /** Servers whose certificates nobody vouches for, with what a person may want to trust after a review. */
  readonly untrusted: readonly { readonly place: string; readonly probe: RouteProbe }[];
}

/** The checks of a connection behind those of its file, in the order in which the packets travel. */
const checksOf = (walks: Walks): readonly Check<Visit, CheckId>[] => [
  ...networkChecks(walks),
  virtualProxy,
  authentication,
  repository,
  objects,
  websocket,
  engine,
  openApp,
  rights,
  sessions,
];

const unreachable = (): never => {
  throw new RangeError('a check ran without a connection');
};

/**
 * Looks at one connection from its file to an open app. One proxy session and one engine session are opened at most (two
 * more engine sessions, one after the other, when apps are denied); nothing is changed at the site, no password is sent
 * more than once, and no data is loaded.
 *
 * @throws the reason of the signal
 */
export const diagnose = async (subject: Subject, options: DiagnoseOptions): Promise<Diagnosis> => {
  const { onCheck, onStart, signal, mostMs } = options;
  const run = { target: 'connection', onCheck, onStart, signal, mostMs } as const;
  const walks = new Walks(options.probe);
  const checks = checksOf(walks);
  const { connection } = subject;
  if (connection === undefined) {
    // Without a version in force they are all skipped, with the reason.
    const rest = checks.map(
      (check): Check<unknown, CheckId> => ({ ...check, needs: ['file', 'secrets'], run: unreachable }),
    );
    return { records: await runChecks([...fileChecks(subject), ...rest], undefined, run), settings: [], untrusted: [] };
  }
  await using visit = openVisit(connection, {
    dialer: options.dialer,
    patience: options.patience,
    nowMs: options.nowMs,
  });
  const records = await runChecks<Visit, CheckId>([...fileChecks(subject), ...checks], visit, run);
  return {
    records,
    settings: settingsFor(connection, visit.facts.whoami),
    untrusted: await walks.untrusted(),
  };
};
