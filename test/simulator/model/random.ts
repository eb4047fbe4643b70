/**
 * The generator's only source of chance. Every part of a site draws from a stream of its own, named by the seed and by
 * labels (`randomOf(seed, 'app', appId)`), so that a part can be built alone and still come out the same.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** One of the keys, each as likely as its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
  /** Up to `count` different members, in random order. */
  sample<T>(list: readonly T[], count: number): T[];
  /** A positive number whose logarithm is normal: half of all draws are below `median`. */
  logNormal(median: number, sigma: number): number;
  guid(): string;
  hex(digits: number): string;
  letters(count: number): string;
}

/** FNV-1a over UTF-16 units, started from four bases: 128 bits of state out of any text. */
const stateOf = (text: string): [number, number, number, number] => {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  let c = 0x85ebca6b;
  let d = 0xc2b2ae35;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995);
    c = Math.imul(c ^ unit, 0x27d4eb2f);
    d = Math.imul(d ^ unit, 0x165667b1);
    d = (d << 13) | (d >>> 19);
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
};

/** 32 bits out of any text, for colours, hashes shown to clients and other small needs. */
export const hashOf = (text: string): number => {
  const [a, b, c, d] = stateOf(text);
  return (a ^ Math.imul(b, 3) ^ Math.imul(c, 5) ^ d) >>> 0;
};

interface Ladder {
  readonly keys: readonly string[];
  /** Running totals of the weights. */
  readonly sums: readonly number[];
}

const ladders = new WeakMap<object, Ladder>();

const ladderOf = (weights: Readonly<Record<string, number>>): Ladder => {
  const known = ladders.get(weights);
  if (known !== undefined) return known;
  let total = 0;
  const sums = Object.values(weights).map((weight) => {
    total += weight;
    return total;
  });
  const ladder = { keys: Object.keys(weights), sums };
  ladders.set(weights, ladder);
  return ladder;
};

const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ';
const HEX = '0123456789abcdef';

/** A stream of random numbers (sfc32) of its own for this seed and these labels. */
export const randomOf = (seed: number, ...labels: readonly (string | number)[]): Random => {
  let [a, b, c, d] = stateOf(`${seed}/${labels.join('/')}`);
  const word = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i += 1) word();
  const next = (): number => word() / 2 ** 32;
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new RangeError('pick: the list is empty');
    return list[int(0, list.length - 1)] as T;
  };
  const hex = (digits: number): string => {
    let text = '';
    while (text.length < digits) text += (word() + 2 ** 32).toString(16).slice(1);
    return text.length === digits ? text : text.slice(0, digits);
  };
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick,
    weighted: (weights) => {
      const { keys, sums } = ladderOf(weights);
      const at = next() * (sums.at(-1) ?? 0);
      const index = sums.findIndex((sum) => at < sum);
      const key = keys[index];
      if (key === undefined) throw new RangeError('weighted: there is nothing to choose from');
      return key as keyof typeof weights;
    },
    sample: (list, count) => {
      const rest = [...list];
      const taken: (typeof list)[number][] = [];
      while (taken.length < count && rest.length > 0) taken.push(...rest.splice(int(0, rest.length - 1), 1));
      return taken;
    },
    logNormal: (median, sigma) =>
      median * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    guid: () => {
      const h = hex(32);
      const variant = HEX[8 + (Number.parseInt(h[16] ?? '0', 16) & 3)];
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
    },
    hex,
    letters: (count) => {
      let text = '';
      while (text.length < count) text += LETTERS[int(0, LETTERS.length - 1)];
      return text;
    },
  };
};

/** The day on which the generated site stands still; every date lies before it, except what is scheduled. */
export const TODAY = Date.UTC(2025, 10, 3, 6, 0, 0);
const DAY_MS = 86_400_000;

/** A moment between `oldest` and `newest` days before {@link TODAY}, as QRS prints it. */
export const daysAgo = (random: Random, oldest: number, newest: number): string =>
  new Date(TODAY - Math.floor((newest + random.next() * (oldest - newest)) * DAY_MS)).toISOString();

/** A moment between two others. */
export const between = (random: Random, from: string, to: string): string => {
  const start = Date.parse(from);
  return new Date(start + Math.floor(random.next() * Math.max(0, Date.parse(to) - start))).toISOString();
};
