import { dateText, monthsLater, periodStart, serialIn, serialOf, serialParts } from './dates.ts';
import { fromNumber, toNumber } from './numbers.ts';
import { type Shown, unmarked } from './values.ts';

/** What a function gives for arguments that are known in full; undefined: not for these, or nobody can know. */
type Fixed = (args: readonly string[]) => string | undefined;

/** Characters times characters: whoever writes more does it to keep somebody busy. */
const MOST_WORK = 10_000_000;
/** All are arguments of one call here too, which has an end. */
const MOST_NUMBERS = 1_000;

/** As the engine shows the truth of something. */
export const truth = (yes: boolean): string => (yes ? '-1' : '0');

const numeric =
  (compute: (...numbers: number[]) => number): Fixed =>
  (args) => {
    const numbers = args.map(toNumber);
    if (numbers.length === 0 || numbers.length > MOST_NUMBERS || numbers.includes(undefined)) return undefined;
    const result = compute(...numbers.filter((number) => number !== undefined));
    return Number.isFinite(result) ? fromNumber(result) : undefined;
  };

const count = (arg: string | undefined): number | undefined => {
  const number = toNumber(arg ?? '');
  return number === undefined ? undefined : Math.trunc(number);
};

/** Behind the `n`th `part`, from the end for a negative `n`; undefined: there is none. */
const nth = (whole: string, part: string, n: number): number | undefined => {
  if (part === '' || n === 0) return undefined;
  if (n < 0) {
    let at = whole.length;
    for (let left = -n; left > 0; left--) {
      if (at < 1) return undefined;
      at = whole.lastIndexOf(part, at - 1);
      if (at === -1) return undefined;
    }
    return at;
  }
  let at = -1;
  for (let left = n; left > 0; left--) {
    at = whole.indexOf(part, at + 1);
    if (at === -1) return undefined;
  }
  return at;
};

/** `like` and WildMatch: `*` for any characters, `?` for one; case does not matter. Time grows with both lengths. */
export const matches = (content: string, pattern: string): boolean =>
  matchesCase(content.toLowerCase(), pattern.toLowerCase());

/** The same for names of fields, where case matters. */
export const matchesCase = (given: string, asked: string): boolean => {
  if (given.length * asked.length > MOST_WORK) return false;
  let [at, next, star, resume] = [0, 0, -1, 0];
  while (at < given.length) {
    if (asked[next] === '*') {
      [star, resume] = [next, at];
      next += 1;
    } else if (asked[next] === '?' || (next < asked.length && asked[next] === given[at])) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      resume += 1;
      [at, next] = [resume, star + 1];
    } else return false;
  }
  while (asked[next] === '*') next += 1;
  return next === asked.length;
};

const position =
  (equal: (one: string, other: string) => boolean): Fixed =>
  ([content = '', ...options]) =>
    String(options.findIndex((option) => equal(content, option)) + 1);

const same = (one: string, other: string): boolean => {
  const [left, right] = [toNumber(one), toNumber(other)];
  return left !== undefined && right !== undefined ? left === right : one === other;
};

const subfield: Fixed = ([content = '', separator = '', index]) => {
  if (index === undefined || separator === '') return undefined;
  const parts = content.split(separator);
  const n = count(index);
  return n === undefined || n === 0 ? undefined : (parts.at(n > 0 ? n - 1 : n) ?? '');
};

const serialPart =
  (part: 'year' | 'month' | 'day'): Fixed =>
  ([date = '']) => {
    const serial = toNumber(date);
    return serial === undefined ? undefined : String(serialParts(serial)[part]);
  };

/** Where the period of a day begins, as many periods later as the second argument says. */
const begins =
  (months: number): Fixed =>
  ([date = '', shift = '0', ...others]) => {
    const [serial, n] = [toNumber(date), count(shift)];
    return serial === undefined || n === undefined || others.length > 0 ? undefined : periodStart(serial, months, n);
  };

/** Its last millisecond. */
const ends =
  (months: number): Fixed =>
  ([date = '', shift = '0', ...others]) => {
    const next = begins(months)([date, String((count(shift) ?? Number.NaN) + 1), ...others]);
    return next === undefined ? undefined : fromNumber(Number(next) - 1 / 86_400_000);
  };

/** So many months later, as many times as the second argument says. */
const later =
  (months: number): Fixed =>
  ([date = '', times = '', mode = '0']) => {
    const [serial, n] = [toNumber(date), count(times)];
    return serial === undefined || n === undefined || mode !== '0' ? undefined : monthsLater(serial, months * n);
  };

const padded = (content: string, format: string): string | undefined => {
  const number = toNumber(content);
  if (number === undefined) return undefined;
  if (/^0+$/.test(format) && Number.isInteger(number) && number >= 0) {
    return String(number).padStart(format.length, '0');
  }
  return undefined;
};

const fixed: Readonly<Record<string, Fixed>> = {
  upper: ([content = '']) => content.toUpperCase(),
  lower: ([content = '']) => content.toLowerCase(),
  capitalize: ([content = '']) => content.toLowerCase().replace(/(^|\s)(\S)/g, (found) => found.toUpperCase()),
  trim: ([content = '']) => content.trim(),
  ltrim: ([content = '']) => content.trimStart(),
  rtrim: ([content = '']) => content.trimEnd(),
  len: ([content = '']) => String(content.length),
  left: ([content = '', length]) => {
    const n = count(length);
    return n === undefined ? undefined : content.slice(0, Math.max(0, n));
  },
  right: ([content = '', length]) => {
    const n = count(length);
    return n === undefined ? undefined : n <= 0 ? '' : content.slice(-n);
  },
  mid: ([content = '', from, length]) => {
    const [start, n] = [count(from), length === undefined ? content.length : count(length)];
    return start === undefined || n === undefined || start < 1 ? undefined : content.slice(start - 1, start - 1 + n);
  },
  index: ([content = '', part = '', which]) => {
    const n = which === undefined ? 1 : count(which);
    return n === undefined ? undefined : String((nth(content, part, n) ?? -1) + 1);
  },
  findoneof: ([content = '', chars = '', which]) => {
    if (which !== undefined && which !== '1') return undefined;
    return String([...content].findIndex((char) => chars.includes(char)) + 1);
  },
  subfield,
  substringcount: ([content = '', part = '']) => (part === '' ? undefined : String(content.split(part).length - 1)),
  textbetween: ([content = '', from = '', to = '', which]) => {
    const n = which === undefined ? 1 : count(which);
    const start = n === undefined ? undefined : from === '' ? 0 : nth(content, from, n);
    if (start === undefined) return '';
    const end = to === '' ? content.length : content.indexOf(to, start + from.length);
    return end === -1 ? '' : content.slice(start + from.length, end);
  },
  replace: ([content = '', from = '', to = '']) => {
    if (from === '') return content;
    return content.length * to.length > MOST_WORK ? undefined : content.replaceAll(from, to);
  },
  keepchar: ([content = '', chars = '']) => [...content].filter((char) => chars.includes(char)).join(''),
  purgechar: ([content = '', chars = '']) => [...content].filter((char) => !chars.includes(char)).join(''),
  repeat: ([content = '', times]) => {
    const n = count(times);
    return n === undefined || n < 0 || n * content.length > 10_000 ? undefined : content.repeat(n);
  },
  chr: ([code]) => {
    const n = count(code);
    return n === undefined || n < 1 || n > 0x10ffff ? undefined : unmarked(String.fromCodePoint(n));
  },
  ord: ([content = '']) => (content === '' ? undefined : String(content.codePointAt(0))),
  text: ([content = '']) => content,
  num: ([content = '', format]) => {
    if (format !== undefined) return padded(content, format);
    const number = toNumber(content);
    return number === undefined ? undefined : fromNumber(number);
  },
  'num#': ([content = '', format]) => (format === undefined && toNumber(content) !== undefined ? content : undefined),
  date: ([content = '', format]) => {
    const serial = toNumber(content);
    return serial === undefined || format === undefined ? undefined : dateText(serial, format);
  },
  'date#': ([content = '', format]) => (format === undefined ? undefined : serialIn(content, format)),
  makedate: ([year, month = '1', day = '1']) => {
    const [y, m, d] = [count(year), count(month), count(day)];
    return y === undefined || m === undefined || d === undefined ? undefined : serialOf(y, m, d);
  },
  year: serialPart('year'),
  month: serialPart('month'),
  day: serialPart('day'),
  addmonths: later(1),
  addyears: later(12),
  monthstart: begins(1),
  quarterstart: begins(3),
  yearstart: begins(12),
  monthend: ends(1),
  quarterend: ends(3),
  yearend: ends(12),
  isnull: ([content = '']) => (content === '' ? undefined : truth(false)),
  isnum: ([content = '']) => truth(toNumber(content) !== undefined),
  istext: ([content = '']) => truth(toNumber(content) === undefined),
  emptyisnull: ([content = '']) => content,
  match: position(same),
  mixmatch: position((one, other) => same(one.toLowerCase(), other.toLowerCase())),
  wildmatch: position(matches),
  fabs: numeric((n = 0) => Math.abs(n)),
  ceil: ([number, step]) => (step === undefined ? numeric((n = 0) => Math.ceil(n))([number ?? '']) : undefined),
  floor: ([number, step]) => (step === undefined ? numeric((n = 0) => Math.floor(n))([number ?? '']) : undefined),
  round: ([number, step]) => (step === undefined ? numeric((n = 0) => Math.floor(n + 0.5))([number ?? '']) : undefined),
  frac: numeric((n = 0) => n - Math.floor(n)),
  mod: numeric((n = 0, by = 0) => ((n % by) + Math.abs(by)) % Math.abs(by)),
  div: numeric((n = 0, by = 0) => Math.trunc(n / by)),
  sign: numeric((n = 0) => Math.sign(n)),
  even: numeric((n = 0) => (n % 2 === 0 ? -1 : 0)),
  odd: numeric((n = 0) => (n % 2 === 0 ? 0 : -1)),
  pow: numeric((n = 0, by = 0) => n ** by),
  sqrt: numeric((n = 0) => Math.sqrt(n)),
  rangemax: numeric((...numbers) => Math.max(...numbers)),
  rangemin: numeric((...numbers) => Math.min(...numbers)),
  rangesum: numeric((...numbers) => numbers.reduce((sum, n) => sum + n, 0)),
  true: () => truth(true),
  false: () => truth(false),
};

const FIXED: ReadonlyMap<string, Fixed> = new Map(Object.entries(fixed));

/** The result of a function of the script for arguments that are known; undefined where only a reload can tell. */
export const applyFunction = (name: string, args: readonly string[]): string | undefined => {
  if (COMPARES.has(name)) {
    const [content = '', ...others] = args;
    if (content.length * others.reduce((sum, other) => sum + other.length, 0) > MOST_WORK) return undefined;
  }
  return FIXED.get(name)?.(args);
};

/** Functions whose first argument is a date. */
export const TAKES_DATE: ReadonlySet<string> = new Set(
  'date num year month day addmonths addyears monthstart quarterstart yearstart monthend quarterend yearend floor'.split(
    ' ',
  ),
);

/** How what these give is shown. */
export const SHOWN: ReadonlyMap<string, Shown> = new Map<string, Shown>([
  ['month', 'month'],
  ...'makedate addmonths addyears monthstart quarterstart yearstart monthend quarterend yearend'
    .split(' ')
    .map((name): [string, Shown] => [name, 'date']),
]);

/** They look at each character of the first argument once for each of the others. */
const COMPARES: ReadonlySet<string> = new Set(['findoneof', 'keepchar', 'purgechar', 'wildmatch']);
