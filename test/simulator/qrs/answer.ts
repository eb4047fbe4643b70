/** What the repository answers. `rows` is how many entities it read for it: the service time depends on it. */
export interface QrsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or pieces of it made while they are sent: lists of a large site never stand in memory as a whole. */
  readonly body: string | Iterable<string>;
  readonly rows: number;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const JSON_TYPE = { 'content-type': 'application/json;charset=utf-8' };
const TEXT_TYPE = { 'content-type': 'text/plain;charset=utf-8' };

export const jsonAnswer = (
  body: Json,
  { status = 200, rows = 0 }: { status?: number; rows?: number } = {},
): QrsAnswer => ({
  status,
  headers: JSON_TYPE,
  body: JSON.stringify(body),
  rows,
});

const PIECE_LENGTH = 65_536;

function* pieces<T>(rows: Iterable<T>, toJson: (row: T) => Json): Generator<string> {
  let piece = '[';
  let comma = '';
  for (const row of rows) {
    piece += `${comma}${JSON.stringify(toJson(row))}`;
    comma = ',';
    if (piece.length >= PIECE_LENGTH) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]`;
}

/** A JSON array with one member a row, written piece by piece. Iterate it once. */
export const listAnswer = <T>(rows: readonly T[], toJson: (row: T) => Json): QrsAnswer => ({
  status: 200,
  headers: JSON_TYPE,
  body: pieces(rows, toJson),
  rows: rows.length,
});

export const textAnswer = (status: number, text: string): QrsAnswer => ({
  status,
  headers: TEXT_TYPE,
  body: text,
  rows: 0,
});

export const emptyAnswer = (status: number): QrsAnswer => ({ status, headers: {}, body: '', rows: 0 });

/** The whole body as one text, for tests and for callers that need the length. */
export const bodyText = ({ body }: QrsAnswer): string => (typeof body === 'string' ? body : [...body].join(''));

/** Refuses the request with this status; thrown from anywhere below the handler. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
