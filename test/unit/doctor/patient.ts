import { type Diagnosis, diagnose, type Subject } from '#agent/doctor/diagnose.ts';
import { verdictOf } from '#agent/doctor/run.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import { impatience } from '../qlik/fake-site.ts';

export const subjectOf = (connection: Connection, more: Partial<Subject> = {}): Subject => ({
  file: connection.file,
  connection,
  problems: [],
  ...more,
});

/** The doctor's visit to a connection, without waiting between tries. */
export const visited = async (
  subject: Subject,
  more: { dialer?: Dialer; mostMs?: number; nowMs?: () => number } = {},
): Promise<Diagnosis> =>
  await diagnose(subject, {
    dialer: more.dialer ?? new Dialer(),
    onCheck: () => undefined,
    signal: new AbortController().signal,
    patience: impatience(),
    mostMs: more.mostMs,
    ...(more.nowMs === undefined ? {} : { nowMs: more.nowMs }),
  });

/** `check code` of the first failure, or `ok`: what a table of faults asserts. */
export const verdict = ({ records }: Pick<Diagnosis, 'records'>): string => {
  const first = verdictOf(records);
  return first === undefined ? 'ok' : `${first.check} ${first.code ?? ''}`;
};

export const recordOf = ({ records }: Pick<Diagnosis, 'records'>, check: string): CheckRecord => {
  const found = records.find((record) => record.check === check);
  if (found === undefined) throw new Error(`no record of ${check}`);
  return found;
};
