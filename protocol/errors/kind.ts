/** What is the same for all errors of one code. */
export interface ErrorKind {
  /** Whether trying again can help. */
  readonly retryable: boolean;
  /** One sentence that says what to do next. */
  readonly advice: string;
}

/** A part of the table of codes. Its codes begin with one of the rooms, so that no two parts can have the same code. */
export type ErrorKinds<Room extends string> = Readonly<Record<`${Room}.${string}`, ErrorKind>>;
