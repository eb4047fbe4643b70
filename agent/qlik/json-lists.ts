import { Fault } from '#protocol/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** One element, or what stands beside the lists: far more than a field or a table takes. */
const MOST_PIECE_BYTES = 16 * 1024 * 1024;

/**
 * Reads a JSON object as it arrives, and hands over the elements of some of its lists one by one: a list of hundred thousands
 * then takes no more memory than what is made of it. What else the object has is small and kept as it is.
 */
export class JsonLists {
  readonly #onElement: (list: string, element: unknown) => void;
  readonly #lists: ReadonlySet<string>;
  readonly #rest: Record<string, unknown> = {};
  /** What is being gathered, from earlier chunks. */
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #key: string | undefined;
  #inList = false;
  #isOver = false;

  /** @param lists names of members whose elements are handed over */
  constructor(lists: readonly string[], onElement: (list: string, element: unknown) => void) {
    this.#lists = new Set(lists);
    this.#onElement = onElement;
  }

  /** @throws SyntaxError for what is not JSON, Fault `qlik.protocol` for an element beyond all measure */
  push(chunk: Buffer): void {
    let from = 0;
    const piece = (to: number): string => {
      const bytes = chunk.subarray(from, to);
      const text = (this.#carried.length === 0 ? bytes : Buffer.concat([...this.#carried, bytes])).toString().trim();
      this.#carried = [];
      this.#carriedBytes = 0;
      return text;
    };
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inString = false;
        continue;
      }
      switch (byte) {
        case QUOTE:
          this.#inString = true;
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (this.#depth === 0) {
            if (byte === OPEN_BRACKET || piece(at) !== '' || this.#isOver) throw new SyntaxError('not one JSON object');
            from = at + 1;
          } else if (this.#depth === 1 && byte === OPEN_BRACKET && this.#lists.has(this.#key ?? '')) {
            piece(at);
            this.#inList = true;
            from = at + 1;
          }
          this.#depth += 1;
          break;
        case COLON:
          if (this.#depth !== 1) break;
          this.#key = String(JSON.parse(piece(at)));
          from = at + 1;
          break;
        case COMMA:
          if (this.#depth === 1) this.#member(piece(at));
          else if (this.#depth === 2 && this.#inList) this.#element(piece(at));
          else break;
          from = at + 1;
          break;
        case CLOSE_BRACKET:
        case CLOSE_BRACE:
          if (this.#depth === 2 && this.#inList) {
            this.#element(piece(at));
            this.#inList = false;
            this.#key = undefined;
            from = at + 1;
          } else if (this.#depth === 1) {
            this.#member(piece(at));
            this.#isOver = true;
            from = at + 1;
          }
          this.#depth -= 1;
          break;
        default:
      }
    }
    if (from >= chunk.length) return;
    // A copy: the chunk belongs to a larger buffer, which would be kept for it.
    const left = Buffer.from(chunk.subarray(from));
    this.#carriedBytes += left.length;
    if (this.#carriedBytes > MOST_PIECE_BYTES)
      throw new Fault('qlik.protocol', `a part of the answer is larger than ${MOST_PIECE_BYTES} bytes`);
    this.#carried.push(left);
  }

  /** What stood beside the lists. @throws SyntaxError when the object has not ended */
  end(): Readonly<Record<string, unknown>> {
    if (!this.#isOver) throw new SyntaxError('the answer ends in the middle');
    return this.#rest;
  }

  #member(text: string): void {
    const key = this.#key;
    this.#key = undefined;
    if (key !== undefined) this.#rest[key] = JSON.parse(text);
    else if (text !== '') throw new SyntaxError('a member without a name');
  }

  #element(text: string): void {
    if (text !== '') this.#onElement(this.#key ?? '', JSON.parse(text));
  }
}
