import { CHECK_LIMITS, type CheckRecord } from '#protocol/checks.ts';
import { asFault, errorInfo, Fault } from '#protocol/errors.ts';
import { printable, shortened } from '#protocol/printable.ts';
import type { Check, Finding } from './check.ts';

export interface RunOptions {
  readonly target: CheckRecord['target'];
  /** Called with each record as it is found, in the order of the checks. A slow one holds up the next check. */
  readonly onCheck: (record: CheckRecord) => void | Promise<void>;
  /** Each check as it begins; not of those that are skipped. */
  readonly onStart?: ((check: Pick<CheckRecord, 'check' | 'target'>) => void) | undefined;
  /** Ends the run: {@link runChecks} rejects with its reason. */
  readonly signal: AbortSignal;
  /** No check may take longer, whatever it says itself. */
  readonly mostMs?: number | undefined;
  /** Milliseconds that only go up; default: `performance.now`. */
  readonly now?: () => number;
}

/** No more of one detail is looked at. */
const MAX_READ = CHECK_LIMITS.lines * CHECK_LIMITS.line;

/** What servers wrote into it steers no terminal and turns no text round, wherever the record is shown. */
const cut = (text: string, most: number): string => printable(shortened(text, most));

/** What others said ends as a sentence does. */
const sentence = (text: string): string => (/[.!?…]["”')]?$/.test(text.trimEnd()) ? text : `${text.trimEnd()}.`);

/** One line each, and not more than a record may hold. */
const fitted = (details: readonly string[] | undefined): string[] => {
  const lines = (details ?? [])
    .flatMap((detail) => shortened(detail, MAX_READ).split(/[\r\n\u2028\u2029]/))
    .map((line) => printable(line).trim())
    .filter((line) => line !== '');
  const shown = lines.slice(0, lines.length > CHECK_LIMITS.lines ? CHECK_LIMITS.lines - 1 : CHECK_LIMITS.lines);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].map((line) => shortened(line, CHECK_LIMITS.line));
};

/**
 * Runs checks one after another. A check whose ground failed is skipped and says which check that was: one cause gives one
 * FAIL. Nothing that a check does ends the run, except the signal.
 *
 * @throws the reason of the signal
 */
export const runChecks = async <Context, Id extends string>(
  checks: readonly Check<Context, Id>[],
  context: Context,
  options: RunOptions,
): Promise<readonly CheckRecord[]> => {
  const now = options.now ?? (() => performance.now());
  /** For each check that is no ground to stand on: the noun of the one that failed. */
  const broken = new Map<Id, string>();
  const records: CheckRecord[] = [];
  for (const check of checks) {
    options.signal.throwIfAborted();
    const cause = check.needs.map((id) => broken.get(id)).find((noun) => noun !== undefined);
    const startedMs = now();
    if (cause === undefined) options.onStart?.({ check: check.id, target: options.target });
    const finding: Finding =
      cause === undefined
        ? await runOne(check, context, options)
        : { status: 'skip', seen: `Not looked at, because ${cause} failed.` };
    options.signal.throwIfAborted();
    if (cause !== undefined) broken.set(check.id, cause);
    else if (finding.status === 'fail' && finding.harmless !== true) broken.set(check.id, check.noun);
    const record = recordOf(check.id, finding, options.target, cause === undefined ? now() - startedMs : 0);
    records.push(record);
    await options.onCheck(record);
  }
  return records;
};

const runOne = async <Context>(
  check: Check<Context, string>,
  context: Context,
  { signal, mostMs = Number.POSITIVE_INFINITY }: RunOptions,
): Promise<Finding> => {
  const deadlineMs = Math.min(check.deadlineMs, mostMs);
  const late = new Fault(
    check.late ?? 'network.timeout',
    `${check.noun.charAt(0).toUpperCase()}${check.noun.slice(1)} took longer than ${deadlineMs / 1000} s.`,
  );
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(late), deadlineMs);
  const end = AbortSignal.any([signal, deadline.signal]);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(end.reason);
  end.addEventListener('abort', onAbort, { once: true });
  try {
    // A check that does not heed its signal may not hold up the others.
    const work = check.run(context, end);
    work.catch(() => undefined);
    return onTime(check, await Promise.race([work, ended]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const fault = asFault(error);
    return onTime(check, { status: 'fail', fault });
  } finally {
    clearTimeout(timer);
    end.removeEventListener('abort', onAbort);
  }
};

/** An answer that did not come means another thing to each check. */
const onTime = ({ late }: Pick<Check<unknown, string>, 'late'>, finding: Finding): Finding =>
  late !== undefined && finding.status === 'fail' && finding.fault.code === 'network.timeout'
    ? { ...finding, fault: errorInfo(late, finding.fault.message) }
    : finding;

const recordOf = (check: string, finding: Finding, target: CheckRecord['target'], durationMs: number): CheckRecord => {
  const base = { t: 'check', target, check, durationMs: Math.max(0, Math.round(durationMs)) } as const;
  switch (finding.status) {
    case 'pass':
      return {
        ...base,
        status: 'pass',
        seen: cut(finding.seen, CHECK_LIMITS.text),
        ...(finding.note === undefined
          ? {}
          : { code: finding.note.code, advice: cut(finding.note.advice, CHECK_LIMITS.text) }),
        details: fitted(finding.details),
      };
    case 'fail':
      return {
        ...base,
        status: 'fail',
        seen: cut(sentence(finding.fault.message), CHECK_LIMITS.text),
        code: finding.fault.code,
        advice: cut(finding.fault.advice, CHECK_LIMITS.text),
        details: fitted(finding.details),
      };
    case 'skip':
      return { ...base, status: 'skip', seen: cut(finding.seen, CHECK_LIMITS.text), details: [] };
    default:
      return finding satisfies never;
  }
};

/** The verdict of a run: its first failed check, or undefined when all is well. */
export const verdictOf = (records: readonly CheckRecord[]): CheckRecord | undefined =>
  records.find((record) => record.status === 'fail');
