import { endOfHole } from './tokens.ts';

const MARK = /zq(\d+)qz/gi;

/**
 * Stand-ins for what a parser of SQL cannot read: an unresolved `$(…)`, or a name such as `LIB/TABLE`. They are parts of
 * names like any other; what comes out gets its own text back.
 */
export class Holes {
  readonly #texts: string[] = [];
  readonly #places = new Map<string, number>();

  /** A word for this text. */
  cover(text: string): string {
    const at = this.#places.get(text) ?? this.#texts.push(text) - 1;
    this.#places.set(text, at);
    return `zq${at}qz`;
  }

  /** Covers each `$(…)` in it. */
  coverExpansions(text: string): string {
    let covered = '';
    let from = 0;
    for (let at = text.indexOf('$('); at >= 0; at = text.indexOf('$(', from)) {
      const end = endOfHole(text, at);
      covered += text.slice(from, at) + this.cover(text.slice(at, end));
      from = end;
    }
    return covered + text.slice(from);
  }

  /** The text with what the stand-ins stand for. */
  restore(text: string): string {
    return text.replace(MARK, (mark, index: string) => this.#texts[Number(index)] ?? mark);
  }

  /** It is an expansion and nothing else. */
  isExpansion(text: string): boolean {
    const restored = this.restore(text);
    return restored.startsWith('$(') && endOfHole(restored, 0) === restored.length;
  }
}
