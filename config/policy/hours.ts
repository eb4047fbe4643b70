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

/** Whether a moment lies in one of the windows, by the clocks of the zone. */
export const isWithin = (windows: readonly HourWindow[], timeZone: string, atMs: number): boolean => {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(atMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  const today = DAYS.indexOf(part('weekday').toLowerCase() as Day);
  const minute = Number(part('hour')) * 60 + Number(part('minute'));
  const isDay = (window: HourWindow, index: number): boolean => window.days.has(DAYS[(index + 7) % 7] ?? 'mon');
  return windows.some((window) => {
    const { fromMinute, untilMinute } = window;
    if (fromMinute < untilMinute) return isDay(window, today) && minute >= fromMinute && minute < untilMinute;
    return (isDay(window, today) && minute >= fromMinute) || (isDay(window, today - 1) && minute < untilMinute);
  });
};
