/** Plays one row: writes the connection file, lets the doctor look, and says what it found and what it left behind. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { neededText, painter, screen } from '#agent/commands/doctor-screen.ts';
import { secretsFor } from '#agent/commands/secrets.ts';
import { diagnose } from '#agent/doctor/diagnose.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { noSecrets } from '#config/secrets/secrets.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import type { RecordSnapshot } from '#test/simulator/record.ts';
import type { FaultRow, HealthyRow } from './row.ts';
import { type RunningProxies, Stage } from './stage.ts';

export interface Examined {
  readonly records: readonly CheckRecord[];
  /** Everything that a person or the catalog gets to see. */
  readonly shown: string;
  /** What the command prints, without colours. */
  readonly printed: { readonly checks: string; readonly needed: string };
  /** What the site saw; undefined where there is none. */
  readonly left: RecordSnapshot | undefined;
}

export interface Place {
  /** Of the row. */
  readonly folder: string;
  /** Keys and certificates, kept from row to row. */
  readonly pki: string;
  readonly proxies: RunningProxies | undefined;
}

const CLOSING_MS = 5_000;

/** The doctor closes its sockets; the site hears of it a moment later. */
const socketsClosed = async ({ site: { record } }: Stage): Promise<void> => {
  const endMs = performance.now() + CLOSING_MS;
  while (record.engineSockets.now > 0 && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 5));
};

export const examine = async (row: FaultRow | HealthyRow, { folder, pki, proxies }: Place): Promise<Examined> => {
  await using stage = await Stage.set(folder, pki, row, proxies);
  const file = row.fileName ?? 'site.conf';
  stage.write(file, await row.connection(stage));
  const dialer = new Dialer();
  const settings = join(folder, 'agent.conf');
  const secrets = existsSync(settings) ? secretsFor(settings, dialer) : noSecrets;
  const parsed = await loadConnectionFile(file, { folder, secrets });
  if (parsed === undefined) throw new RangeError(`${join(folder, file)} is not there`);
  const subject = { file, connection: parsed.connection, problems: parsed.problems };
  const told: CheckRecord[] = [];
  const diagnosis = await diagnose(subject, {
    dialer,
    onCheck: (record) => {
      told.push(record);
    },
    signal: AbortSignal.timeout(60_000),
    ...(row.waitMs === undefined ? {} : { probe: { timeoutMs: row.waitMs } }),
    ...(row.mostMs === undefined ? {} : { mostMs: row.mostMs }),
  });
  const { records } = diagnosis;
  if (stage.hasSite) await socketsClosed(stage);
  const needed = neededText(diagnosis, 'site');
  const left = stage.hasSite ? stage.site.record.snapshot() : undefined;
  return {
    records,
    shown: JSON.stringify([told, diagnosis]),
    printed: { checks: screen('site (Site)', records, painter(false), needed.split('\n').length - 1), needed },
    left,
  };
};
