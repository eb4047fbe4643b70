import type { RawStatement } from '../script/statements.ts';

/** Statements with what belongs between their heads and ends. */
export type Block =
  | { readonly type: 'statement'; readonly raw: RawStatement }
  | { readonly type: 'if'; readonly arms: readonly Arm[]; readonly otherwise: readonly Block[] | undefined }
  | {
      readonly type: 'loop';
      readonly head: RawStatement;
      readonly body: readonly Block[];
      readonly end: RawStatement | undefined;
    }
  | {
      readonly type: 'switch';
      readonly head: RawStatement;
      readonly arms: readonly Arm[];
      readonly otherwise: readonly Block[] | undefined;
    }
  | { readonly type: 'sub'; readonly head: RawStatement; readonly body: readonly Block[] };

export interface Arm {
  readonly head: RawStatement;
  readonly body: readonly Block[];
}

/** Heads without an end, and ends without a head. */
export interface Unbalanced {
  readonly raw: RawStatement;
  readonly why: string;
}

const ENDS: Readonly<Record<string, readonly string[]>> = {
  if: ['elseif', 'else', 'end if'],
  for: ['next'],
  do: ['loop'],
  switch: ['case', 'default', 'end switch'],
  sub: ['end sub'],
};
const CLOSERS: ReadonlySet<string> = new Set(Object.values(ENDS).flat());
const MOST_DEPTH = 200;

/** The blocks of a script, and what in it has no partner. Raw statements of block keywords that end a block are in none. */
export const blocksOf = (
  statements: readonly RawStatement[],
): {
  readonly blocks: readonly Block[];
  readonly unbalanced: readonly Unbalanced[];
  readonly marks: readonly RawStatement[];
} => {
  const builder = new Builder(statements);
  const blocks = builder.blocks([]);
  return { blocks, unbalanced: builder.unbalanced, marks: builder.marks };
};

class Builder {
  readonly unbalanced: Unbalanced[] = [];
  /** ELSE, END IF, NEXT and their kin. */
  readonly marks: RawStatement[] = [];
  readonly #statements: readonly RawStatement[];
  #at = 0;

  constructor(statements: readonly RawStatement[]) {
    this.#statements = statements;
  }

  /** Up to the first statement that ends one of the open blocks. */
  blocks(open: readonly string[]): readonly Block[] {
    const found: Block[] = [];
    for (let raw = this.#statements[this.#at]; raw !== undefined; raw = this.#statements[this.#at]) {
      if (CLOSERS.has(raw.kind)) {
        if (open.some((kind) => ENDS[kind]?.includes(raw.kind))) return found;
        this.unbalanced.push({ raw, why: `nothing is open that ${raw.kind.toUpperCase()} could belong to` });
        this.#mark();
        continue;
      }
      this.#at += 1;
      found.push(open.length > MOST_DEPTH ? { type: 'statement', raw } : this.#block(raw, open));
    }
    return found;
  }

  #block(raw: RawStatement, open: readonly string[]): Block {
    const inside = [...open, raw.kind];
    switch (raw.kind) {
      case 'if': {
        const arms: Arm[] = [{ head: raw, body: this.blocks(inside) }];
        for (let next = this.#take('elseif'); next !== undefined; next = this.#take('elseif')) {
          arms.push({ head: next, body: this.blocks(inside) });
        }
        let otherwise: Block[] | undefined;
        for (let next = this.#take('else'); next !== undefined; next = this.#take('else')) {
          // The engine stops at a second one; what stands behind it belongs to the same IF whatever it was meant for.
          if (otherwise !== undefined) this.unbalanced.push({ raw: next, why: 'this IF has an ELSE already' });
          otherwise = [...(otherwise ?? []), ...this.blocks(inside)];
        }
        this.#close(raw, 'end if');
        return { type: 'if', arms, otherwise };
      }
      case 'for':
      case 'do': {
        const body = this.blocks(inside);
        const end = this.#close(raw, raw.kind === 'for' ? 'next' : 'loop');
        return { type: 'loop', head: raw, body, end };
      }
      case 'switch':
        return this.#switch(raw, inside);
      case 'sub': {
        // An END SUB closes whatever was forgotten inside.
        const body = this.blocks(inside);
        this.#close(raw, 'end sub');
        return { type: 'sub', head: raw, body };
      }
      default:
        return { type: 'statement', raw };
    }
  }

  #switch(raw: RawStatement, inside: readonly string[]): Block {
    const arms: Arm[] = [];
    let otherwise: readonly Block[] | undefined;
    this.blocks(inside);
    for (;;) {
      const next = this.#take('case');
      if (next !== undefined) arms.push({ head: next, body: this.blocks(inside) });
      else if (this.#take('default') !== undefined) otherwise = this.blocks(inside);
      else break;
    }
    this.#close(raw, 'end switch');
    return { type: 'switch', head: raw, arms, otherwise };
  }

  #take(kind: string): RawStatement | undefined {
    const next = this.#statements[this.#at];
    if (next?.kind !== kind) return undefined;
    return this.#mark();
  }

  #mark(): RawStatement | undefined {
    const raw = this.#statements[this.#at];
    if (raw !== undefined) this.marks.push(raw);
    this.#at += 1;
    return raw;
  }

  #close(head: RawStatement, kind: string): RawStatement | undefined {
    const end = this.#take(kind);
    if (end === undefined) this.unbalanced.push({ raw: head, why: `${kind.toUpperCase()} is missing` });
    return end;
  }
}

/** All statements of blocks, heads included. */
export function* within(blocks: readonly Block[]): Generator<RawStatement> {
  for (const block of blocks) {
    switch (block.type) {
      case 'statement':
        yield block.raw;
        break;
      case 'if':
      case 'switch':
        if (block.type === 'switch') yield block.head;
        for (const arm of block.arms) {
          yield arm.head;
          yield* within(arm.body);
        }
        yield* within(block.otherwise ?? []);
        break;
      case 'loop':
      case 'sub':
        yield block.head;
        yield* within(block.body);
        if (block.type === 'loop' && block.end !== undefined) yield block.end;
        break;
      default:
        block satisfies never;
    }
  }
}
