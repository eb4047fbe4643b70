/**
 * How far this machine's clock is ahead of another's (negative: behind), in milliseconds, by a `Date` header or an ISO
 * time that was just received; undefined when it is no time. A header has whole seconds.
 */
export const clockAheadMs = (theirs: string | undefined, nowMs: number): number | undefined => {
  const at = theirs === undefined ? Number.NaN : Date.parse(theirs);
  return Number.isNaN(at) ? undefined : nowMs - at;
};

/** A span of time as people say it: `3 days`, `2 hours`, `5 minutes`, `20 seconds`. */
export const span = (ms: number): string => {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const;
  const [unitMs, name] = units.find(([unit]) => Math.abs(ms) >= unit) ?? [1_000, 'second'];
  const count = Math.floor(Math.abs(ms) / unitMs);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
};

/**
 * How one clock is to another, in words: `17 minutes behind`, `2 hours ahead of`. From a minute on it is rounded to the
 * minute: two hours less the second that the answer took are two hours.
 */
export const aheadOrBehind = (aheadMs: number): string => {
  const ms = Math.abs(aheadMs);
  return `${span(ms < 60_000 ? ms : Math.round(ms / 60_000) * 60_000)} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
};
