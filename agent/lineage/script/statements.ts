import { CONTROL } from './keywords.ts';
import { Lines } from './lines.ts';
import { type Piece, Splitter } from './splitter.ts';

/** A statement as it stands in the script, before any expansion. */
export interface RawStatement {
  /** What it seems to be, by its leading words: `load`, `mapping`, `select`, `let`, `if`, `end sub`, `macro`, …; else `other`. */
  readonly kind: string;
  /** As written in front of the first colon, without quotes; expansions stay in it. */
  readonly label: string | undefined;
  /** In UTF-16 code units; the `;` is not part of it. A preceding load and what it reads are one statement. */
  readonly start: number;
  readonly end: number;
  /** Of `start`, 1-based. */
  readonly line: number;
  readonly column: number;
  /** Of the last character. */
  readonly endLine: number;
  /** Why its end had to be guessed: a quote that is never closed, a `;` that is missing. */
  readonly broken: string | undefined;
  /** The steps of a preceding load, or itself alone. */
  readonly pieces: readonly Piece[];
}

/** Below an open LOAD these are its source. */
const READABLE: ReadonlySet<string> = new Set(
  'load mapping select direct sqltables sqlcolumns sqltypes macro'.split(' '),
);

/**
 * The statements of a script, in order; comments, blanks and lone `;` lie between them and nothing else does. A text in
 * quotes or brackets, an inline table and what TRACE and REM say are never taken for code. Never fails: where a quote has
 * no end, the statement is cut at the next place where another one surely begins, and says so. Time grows with the length.
 */
export const splitScript = (text: string): readonly RawStatement[] => {
  const lines = new Lines(text);
  const found: RawStatement[] = [];
  for (const group of chains(new Splitter(text))) {
    const first = group[0];
    const last = group.at(-1);
    if (first === undefined || last === undefined) continue;
    found.push({
      kind: first.kind,
      label: first.label,
      start: first.start,
      end: last.end,
      ...lines.at(first.start),
      endLine: lines.at(Math.max(first.start, last.end - 1)).line,
      broken: group.find(({ broken }) => broken !== undefined)?.broken,
      pieces: group,
    });
  }
  return found;
};

/**
 * What {@link chains} would find in the statement's own text, which need not be split again; undefined for one whose end
 * was guessed from what surrounds it, or is the end of its line.
 */
export const ownPieces = ({ kind, start, broken, pieces }: RawStatement): readonly Piece[] | undefined =>
  broken === undefined && !CONTROL.has(kind)
    ? pieces.map((piece) => ({ ...piece, start: piece.start - start, end: piece.end - start }))
    : undefined;

/** Like {@link splitScript}, but each step of a preceding load stands for itself, and lines are not counted. */
export const statements = (text: string, from = 0): Iterable<Piece> => new Splitter(text, from);

/** Pieces that are one statement: a LOAD without a source and what it reads. */
export function* chains(pieces: Iterable<Piece>): Generator<readonly Piece[]> {
  let group: Piece[] = [];
  for (const piece of pieces) {
    const above = group.at(-1);
    // An expansion in the upper one may be its source: then a labelled table below is another statement.
    const belongs = above?.open === true && READABLE.has(piece.kind) && (piece.label === undefined || !above.expands);
    if (above !== undefined && !belongs) {
      yield group;
      group = [];
    }
    group.push(piece);
  }
  if (group.length > 0) yield group;
}
