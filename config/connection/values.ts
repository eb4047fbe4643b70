import type { Place, Tree } from '../tree.ts';
import { descend } from '../tree.ts';
import type { KeySpec } from './key-spec.ts';
import type { Problems } from './problem.ts';

/** A value with the place it came from, so that a later check can name it. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Place;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  name: 'Qlik Sense production',
  code: 'qlik-prod',
  'connection.url': 'https://qlik.example.com/prefix',
};
const TRUE = new Set(['true', 'yes', 'on']);
const FALSE = new Set(['false', 'no', 'off']);
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** Reads typed values out of a tree and reports what does not fit. A missing, empty or null value is undefined. */
export class Values {
  readonly #tree: Tree;
  readonly #keys: ReadonlyMap<string, KeySpec>;
  readonly #problems: Problems;

  readonly #emptyAt: (path: string) => Place | undefined;

  /** `emptyAt` says where a key stands without a value. */
  constructor(
    tree: Tree,
    keys: readonly KeySpec[],
    problems: Problems,
    emptyAt: (path: string) => Place | undefined = () => undefined,
  ) {
    this.#emptyAt = emptyAt;
    this.#tree = tree;
    this.#keys = new Map(keys.map((key) => [key.path, key]));
    this.#problems = problems;
  }

  #spec(path: string): KeySpec {
    const spec = this.#keys.get(path);
    if (spec === undefined) throw new RangeError(`${path} is not in the table of keys`);
    return spec;
  }

  /** Where a key stands, also without a value; undefined when it does not stand in the file. */
  placeOf(path: string): Place | undefined {
    return this.node(path)?.at ?? this.#emptyAt(path);
  }

  /** The node of a path, also when it is empty. */
  node(path: string): Tree | undefined {
    return descend(this.#tree, path.split('.'));
  }

  /** A text; a scalar of another type gives the text that stood in the file. */
  text(path: string): Placed<string> | undefined {
    const spec = this.#spec(path);
    const node = this.node(path);
    if (node === undefined) return this.#missing(spec);
    if (node.type !== 'scalar') {
      this.#problems.error(
        'config.invalid',
        node.at,
        `${path} must be a text, not ${node.type === 'list' ? 'a list' : 'an object'}.`,
      );
      return undefined;
    }
    if (node.value === null || node.text.trim() === '') return this.#missing(spec, node.at);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
    if (spec.oneLine === true && /[\u0000-\u001f\u007f]/.test(node.text.trim())) {
      if (!this.#problems.explained.has(path))
        this.#problems.error(
          'config.invalid',
          node.at,
          `${path} holds a line end, a tab or another control character.`,
          'Write it on one line; a backslash inside double quotes is written twice.',
        );
      return undefined;
    }
    if (spec.values !== undefined && spec.type === 'string') return this.#choice(spec, spec.values, node.text, node.at);
    return { value: node.text, at: node.at };
  }

  #missing(spec: KeySpec, at?: Place): undefined {
    if (spec.required === true)
      this.#problems.error(
        'config.missing_key',
        at ?? this.placeOf(spec.path),
        `${spec.path} is missing. ${spec.description}`,
        `Add ${spec.path} = "${spec.values?.[0] ?? EXAMPLES[spec.path] ?? '…'}".`,
      );
    return undefined;
  }

  #choice(spec: KeySpec, values: readonly string[], text: string, at: Place): Placed<string> | undefined {
    const found = values.find((value) => value.toLowerCase() === text.trim().toLowerCase());
    if (found !== undefined && (found === text || spec.path !== 'connector_id')) return { value: found, at };
    this.#problems.error(
      'config.invalid',
      at,
      `${spec.path} must be ${values.map((value) => `"${value}"`).join(' or ')}.`,
      `Write ${spec.path} = "${values[0] ?? ''}"${values.length > 1 ? ', or one of the others' : ''}.`,
    );
    return undefined;
  }

  /** true, yes, on, false, no, off; the standard value of the key when it is absent or wrong. */
  flag(path: string): boolean {
    const spec = this.#spec(path);
    const standard = spec.standard === true;
    const found = this.text(path);
    if (found === undefined) return standard;
    const word = found.value.trim().toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
    this.#problems.error(
      'config.invalid',
      found.at,
      `${path} must be true or false.`,
      `Write ${path} = ${!standard} or ${path} = ${standard}.`,
    );
    return standard;
  }

  /** A whole number inside the bounds of the key. */
  integer(path: string): number | undefined {
    const spec = this.#spec(path);
    const found = this.text(path);
    if (found === undefined) return typeof spec.standard === 'number' ? spec.standard : undefined;
    const value = /^[-+]?\d{1,15}$/.test(found.value.trim()) ? Number(found.value) : Number.NaN;
    const minimum = spec.minimum ?? (spec.type === 'port' ? 1 : Number.MIN_SAFE_INTEGER);
    const maximum = spec.maximum ?? (spec.type === 'port' ? 65_535 : Number.MAX_SAFE_INTEGER);
    if (value >= minimum && value <= maximum) return value;
    this.#problems.error('config.invalid', found.at, `${path} must be a whole number from ${minimum} to ${maximum}.`);
    return typeof spec.standard === 'number' ? spec.standard : undefined;
  }

  /** Milliseconds from `10m`, `30s`, `500ms`, `2h` or a plain number of milliseconds. */
  durationMs(path: string): number {
    const spec = this.#spec(path);
    const standard = durationOf(String(spec.standard ?? '0')) ?? 0;
    const found = this.text(path);
    if (found === undefined) return standard;
    const value = durationOf(found.value);
    if (value !== undefined && value >= (spec.minimum ?? 0) && value <= (spec.maximum ?? Number.MAX_SAFE_INTEGER))
      return value;
    this.#problems.error(
      'config.invalid',
      found.at,
      `${path} must be a duration ${boundsOf(spec.minimum ?? 0, spec.maximum)}.`,
      `Write ${path} = ${String(spec.standard ?? '30s')}, for instance.`,
    );
    return standard;
  }

  /** Bytes from `500MB`, `2GiB` or a plain number; undefined when the key is absent or wrong. */
  sizeBytes(path: string): number | undefined {
    const spec = this.#spec(path);
    const found = this.text(path);
    if (found === undefined) return undefined;
    const value = sizeOf(found.value);
    if (value !== undefined && value >= (spec.minimum ?? 0) && value <= (spec.maximum ?? Number.MAX_SAFE_INTEGER))
      return value;
    this.#problems.error(
      'config.invalid',
      found.at,
      `${path} must be a size from ${spec.minimum ?? 0} bytes.`,
      `Write ${path} = 500MB, for instance.`,
    );
    return undefined;
  }
}

/** Powers of 1,000 for `kB`, `MB`, …; of 1,024 for `KiB`, `MiB`, … and for the letter alone, as HOCON has it. */
const sizeOf = (text: string): number | undefined => {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(i?)(b?)|b)?\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, amount = '', prefix, binary, bytes] = match;
  const power = prefix === undefined ? 0 : 'kmgt'.indexOf(prefix.toLowerCase()) + 1;
  const base = binary === '' && bytes !== '' ? 1_000 : 1_024;
  return Math.round(Number(amount) * base ** power);
};

const WRITTEN_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Milliseconds as a person writes them in a file: the largest unit that leaves no rest. */
const written = (ms: number): string => {
  const unit = WRITTEN_UNITS.find(([, size]) => ms > 0 && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
};

const boundsOf = (minimum: number, maximum: number | undefined): string =>
  maximum === undefined ? `of at least ${written(minimum)}` : `from ${written(minimum)} to ${written(maximum)}`;

const durationOf = (text: string): number | undefined => {
  const match = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
};
