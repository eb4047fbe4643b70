import { useEffect, useState } from 'preact/hooks';

/** How values read to a person. The page is in English whatever the browser's language; times are local. */
const EXACT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const NUMBER = new Intl.NumberFormat('en-GB');
const ONE_DIGIT = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const A_DAY = 24 * HOUR;

export const number = (value: number): string => NUMBER.format(value);
export const exactTime = (time: number): string => EXACT.format(time);

/** `14:05`, with the day when it is not today. */
export const clockTime = (time: number, now: number): string =>
  DAY.format(time) === DAY.format(now) ? CLOCK.format(time) : `${CLOCK.format(time)} on ${DAY.format(time)}`;

const about = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** `5 minutes ago`, `in 3 hours`; from 30 days on the date. */
export const relativeTime = (time: number, now: number): string => {
  const distance = Math.abs(now - time);
  if (distance < 10_000) return 'just now';
  if (distance >= 30 * A_DAY) return DAY.format(time);
  const text =
    distance < MINUTE
      ? about(Math.floor(distance / 10_000) * 10, 'second')
      : distance < HOUR
        ? about(Math.floor(distance / MINUTE), 'minute')
        : distance < A_DAY
          ? about(Math.floor(distance / HOUR), 'hour')
          : about(Math.floor(distance / A_DAY), 'day');
  return time <= now ? `${text} ago` : `in ${text}`;
};

/** `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export const duration = (ms: number): string => {
  if (!Number.isFinite(ms)) return String(ms);
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${ONE_DIGIT.format(Math.floor(ms / 100) / 10)} s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${number(big)} ${bigUnit}` : `${number(big)} ${bigUnit} ${small} ${smallUnit}`;
  if (ms < HOUR) return pair(Math.floor(ms / MINUTE), 'min', Math.floor((ms % MINUTE) / 1000), 's');
  if (ms < A_DAY) return pair(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return pair(Math.floor(ms / A_DAY), 'd', Math.floor((ms % A_DAY) / HOUR), 'h');
};

/** Binary units: `38.2 MiB`. */
export const size = (bytes: number): string => {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? about(bytes, 'byte') : `${ONE_DIGIT.format(value)} ${units[unit]}`;
};

/** `lastReloadTime` → `Last reload time`; runs of capitals (`URL`, `QVD`) stay as they are. */
export const words = (name: string): string => {
  const split = name
    .replace(/[_-]+/g, ' ')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(' ')
    .map((word) => (/^\p{Lu}[\p{Lu}\d]+$/u.test(word) ? word : word.toLowerCase()))
    .join(' ')
    .trim();
  return split === '' ? name : split[0]?.toUpperCase() + split.slice(1);
};

/** Cuts after `limit` code points, never inside one. */
export const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  let end = limit;
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last < 0xdc00) end -= 1;
  return `${text.slice(0, end)}…`;
};

let clockListeners = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

/** The time, so that "5 minutes ago" grows older on the screen: all of them share one timer. */
export const useNow = (): number => {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = (): void => setNow(Date.now());
    clockListeners.add(tick);
    clock ??= setInterval(() => {
      for (const listener of clockListeners) listener();
    }, 10_000);
    return () => {
      clockListeners.delete(tick);
      if (clockListeners.size > 0) return;
      clearInterval(clock);
      clock = undefined;
      clockListeners = new Set();
    };
  }, []);
  return now;
};
