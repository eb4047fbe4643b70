const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
type Day = (typeof DAYS)[number];

/** Days, and the minutes of a day from which on and until when; a window may run over midnight into the next day. */
export interface HourWindow {
  readonly days: ReadonlySet<Day>;
  readonly fromMinute: number;
  readonly untilMinute: number;
}

const DAY_MINUTES = 1_440;

const daysOf = (text: string): ReadonlySet<Day> | undefined => {
  const days = new Set<Day>();
  for (const part of text.toLowerCase().split(',')) {
    const [first = '', last = first, ...more] = part.trim().split('-');
    const [from, until] = [first, last].map((name) => DAYS.indexOf(name.trim() as Day));
    if (more.length > 0 || from === undefined || until === undefined || from < 0 || until < 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(DAYS[day] ?? 'mon');
      if (day === until) break;
    }
  }
  return days;
};

/** `20:00-06:00`, `Mon-Fri 20:00-06:00`, `Sat,Sun`; undefined for anything else. Days are those on which it begins. */
export const readWindow = (text: string): HourWindow | undefined => {
  const match = /^\s*(?:([a-z,\s-]+?)(?:\s+|$))?(?:(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d))?\s*$/i.exec(text);
  if (match === null || text.trim() === '') return undefined;
  const [, names, ...clock] = match;
  const days = names === undefined ? new Set(DAYS) : daysOf(names);
  if (days === undefined) return undefined;
  if (clock[0] === undefined) return { days, fromMinute: 0, untilMinute: DAY_MINUTES };
  const [fromHour = 0, from = 0, untilHour = 0, until = 0] = clock.map(Number);
  const window = { days, fromMinute: fromHour * 60 + from, untilMinute: untilHour * 60 + until };
  const isClock = from < 60 && until < 60 && window.fromMinute < DAY_MINUTES && window.untilMinute <= DAY_MINUTES;
  // From one minute to the same could mean always or never.
  return isClock && window.fromMinute !== window.untilMinute ? window : undefined;
};

/** Whether there is such a time zone, such as `Europe/Vienna` or `UTC`. */
export const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

/** What the clocks of a zone show: the day of the week from Monday, 0, and the minute of the day. */
const clockOf = (timeZone: string, atMs: number): { readonly day: number; readonly minute: number } => {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(atMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return {
    day: DAYS.indexOf(part('weekday').toLowerCase() as Day),
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
};

const covers = (windows: readonly HourWindow[], today: number, minute: number): boolean => {
  const isDay = (window: HourWindow, index: number): boolean => window.days.has(DAYS[(index + 7) % 7] ?? 'mon');
  return windows.some((window) => {
    const { fromMinute, untilMinute } = window;
    if (fromMinute < untilMinute) return isDay(window, today) && minute >= fromMinute && minute < untilMinute;
    return (isDay(window, today) && minute >= fromMinute) || (isDay(window, today - 1) && minute < untilMinute);
  });
};

/** Whether a moment lies in one of the windows, by the clocks of the zone. */
export const isWithin = (windows: readonly HourWindow[], timeZone: string, atMs: number): boolean => {
  const { day, minute } = clockOf(timeZone, atMs);
  return covers(windows, day, minute);
};

const WEEK_MINUTES = 7 * DAY_MINUTES;

/** Whether the windows leave no minute of a week. */
export const coversWeek = (windows: readonly HourWindow[]): boolean => minutesLeft(windows, 0, 0) === WEEK_MINUTES;

const minutesLeft = (windows: readonly HourWindow[], day: number, minute: number): number => {
  let left = 0;
  while (left < WEEK_MINUTES) {
    const at = minute + left;
    if (!covers(windows, (day + Math.floor(at / DAY_MINUTES)) % 7, at % DAY_MINUTES)) return left;
    left += 1;
  }
  return left;
};

/**
 * When the windows in which a moment lies end, in ms since 1970, to the minute; undefined when it lies in none. Where clocks
 * are changed before that, it is off by as much: ask again when it has come.
 */
export const endOfWithin = (windows: readonly HourWindow[], timeZone: string, atMs: number): number | undefined => {
  const { day, minute } = clockOf(timeZone, atMs);
  const left = minutesLeft(windows, day, minute);
  return left === 0 ? undefined : (Math.floor(atMs / 60_000) + left) * 60_000;
};
