import type { Missing } from '#protocol/records.ts';

/** One reason why scopes lack something, and what would give it. */
export interface Shortfall {
  readonly code: string;
  readonly advice: string;
  /** What is missing, in words; the first few. */
  readonly what: readonly string[];
  readonly scopes: number;
}

/** More reasons than these nobody reads, and the summary of a crawl stays a few lines. */
const MOST_REASONS = 20;
const MOST_THINGS = 6;

/** Single objects are told as what they are: their ids say nothing in a summary. */
const kindOf = (what: string): string =>
  what.replace(/^(sheet|master visualization) .+$/s, 'some $1s').replace(/^story .+$/s, 'some stories');

/** Adds up what the scopes of a crawl lack, by reason. */
export class Shortfalls {
  readonly #reasons = new Map<string, { code: string; advice: string; what: Set<string>; scopes: number }>();

  /** What one scope lacks. */
  add(missing: readonly Omit<Missing, 'message'>[]): void {
    const counted = new Set<string>();
    for (const { what, code, advice } of missing) {
      const name = `${code} ${advice}`;
      const reason = this.#reasons.get(name) ?? { code, advice, what: new Set<string>(), scopes: 0 };
      if (!this.#reasons.has(name)) {
        if (this.#reasons.size >= MOST_REASONS) continue;
        this.#reasons.set(name, reason);
      }
      if (reason.what.size < MOST_THINGS) reason.what.add(kindOf(what));
      if (!counted.has(name)) reason.scopes += 1;
      counted.add(name);
    }
  }

  /** The widest first. */
  list(): Shortfall[] {
    return [...this.#reasons.values()]
      .toSorted((a, b) => b.scopes - a.scopes)
      .map(({ what, ...reason }) => ({ ...reason, what: [...what] }));
  }
}
