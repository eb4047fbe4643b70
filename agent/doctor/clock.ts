import { aheadOrBehind, clockAheadMs } from '#agent/network/clock.ts';
import type { HttpReply } from '#agent/network/dialer.ts';

/** By how much the clock of the site is ahead of ours, by the Date header, in ms; undefined when it sends none. */
export const siteAheadMs = ({ headers }: HttpReply, nowMs: number): number | undefined => {
  const oursAheadMs = clockAheadMs(String(headers['date'] ?? ''), nowMs);
  return oursAheadMs === undefined ? undefined : -oursAheadMs;
};

/** The header counts whole seconds and the answer takes its time: less than this is no difference. */
const WORTH_A_WORD_MS = 60_000;

/** `2 minutes ahead of`: for clocks that are apart so far that tokens suffer; undefined when they are not. */
export const apart = (aheadMs: number | undefined): string | undefined =>
  aheadMs === undefined || Math.abs(aheadMs) < WORTH_A_WORD_MS ? undefined : aheadOrBehind(aheadMs);
