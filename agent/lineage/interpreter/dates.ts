const DAY_MS = 86_400_000;
/** Day 0 of the serial numbers of dates: 30 December 1899. */
const EPOCH_MS = Date.UTC(1899, 11, 30);
const TOKEN = /Y+|M+|D+|h+|m+|s+|[^A-Za-z]/y;

/** The serial number of a day; undefined for a day that is none. */
export const serialOf = (year: number, month: number, day: number): string | undefined => {
  if (year < 100 || year > 9_999 || month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  return String((Date.UTC(year, month - 1, day) - EPOCH_MS) / DAY_MS);
};

export const serialParts = (
  serial: number,
): { readonly year: number; readonly month: number; readonly day: number } => {
  const date = new Date(EPOCH_MS + Math.floor(serial) * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
};

/** The serial number of a date that is written in a format of digits only; undefined where it is not written so. */
export const serialIn = (content: string, format: string): string | undefined => {
  const parts = { Y: 0, M: 1, D: 1 };
  let at = 0;
  for (let next = 0; next < format.length; ) {
    TOKEN.lastIndex = next;
    const token = TOKEN.exec(format)?.[0];
    if (token === undefined) return undefined;
    next += token.length;
    if (/^(?:YYYY|MM?|DD?)$/.test(token)) {
      const digits = /^\d+/.exec(content.slice(at, at + Math.max(2, token.length)))?.[0] ?? '';
      if (digits.length < token.length) return undefined;
      parts[token.startsWith('Y') ? 'Y' : token.startsWith('M') ? 'M' : 'D'] = Number(digits);
      at += digits.length;
    } else if (/^[^A-Za-z]$/.test(token) && content[at] === token) at += 1;
    else return undefined;
  }
  return at === content.length ? serialOf(parts.Y, parts.M, parts.D) : undefined;
};

/** The same day so many months later, or the last one of that month. */
export const monthsLater = (serial: number, months: number): string | undefined => {
  const { year, month, day } = serialParts(serial);
  const index = year * 12 + month - 1 + months;
  const last = new Date(Date.UTC(Math.floor(index / 12), (index % 12) + 1, 0)).getUTCDate();
  return serialOf(Math.floor(index / 12), (index % 12) + 1, Math.min(day, last));
};

/** The first day of the period of so many months that a day lies in, `shift` periods later. */
export const periodStart = (serial: number, months: number, shift: number): string | undefined => {
  const { year, month } = serialParts(serial);
  const index = Math.floor((year * 12 + month - 1) / months + shift) * months;
  return serialOf(Math.floor(index / 12), (index % 12) + 1, 1);
};

/** A date in a format of digits only; undefined where names of months or anything else is asked for. */
export const dateText = (serial: number, format: string): string | undefined => {
  if (!Number.isFinite(serial) || Math.abs(serial) > 3_000_000) return undefined;
  const date = new Date(EPOCH_MS + Math.round(serial * DAY_MS));
  let result = '';
  for (let at = 0; at < format.length; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(format)?.[0];
    const part = token === undefined ? undefined : tokenText(date, token);
    if (token === undefined || part === undefined) return undefined;
    result += part;
    at += token.length;
  }
  return result;
};

const tokenText = (date: Date, token: string): string | undefined => {
  const padded = (number: number): string => String(number).padStart(token.length, '0');
  switch (token) {
    case 'YYYY':
      return String(date.getUTCFullYear());
    case 'YY':
      return String(date.getUTCFullYear()).slice(-2);
    case 'MM':
    case 'M':
      return padded(date.getUTCMonth() + 1);
    case 'DD':
    case 'D':
      return padded(date.getUTCDate());
    case 'hh':
    case 'h':
      return padded(date.getUTCHours());
    case 'mm':
    case 'm':
      return padded(date.getUTCMinutes());
    case 'ss':
    case 's':
      return padded(date.getUTCSeconds());
    default:
      return /^[^A-Za-z]$/.test(token) ? token : undefined;
  }
};
