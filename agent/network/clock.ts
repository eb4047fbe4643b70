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
