import type { HttpReply } from '#agent/network/dialer.ts';
import { span } from '#agent/network/probe/clock.ts';

/** The clock of the server by its Date header, as milliseconds ahead of ours; undefined when it sends none. */
export const clockAheadMs = ({ headers }: HttpReply, nowMs: number): number | undefined => {
  const theirs = Date.parse(String(headers['date'] ?? ''));
  return Number.isNaN(theirs) ? undefined : theirs - nowMs;
};

/** The header counts whole seconds and the answer takes its time: less than this is no difference. */
const WORTH_A_WORD_MS = 60_000;

/** `2 min ahead of`: for clocks that are apart so far that tokens suffer; undefined when they are not. */
export const apart = (aheadMs: number | undefined): string | undefined => {
  if (aheadMs === undefined || Math.abs(aheadMs) < WORTH_A_WORD_MS) return undefined;
  // To the minute: two hours less the second that the answer took are two hours.
  const ms = Math.round(Math.abs(aheadMs) / 60_000) * 60_000;
  return `${span(ms)} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
};
