import type { ConnectionFacts, Limits, ScriptLineage, Source, Surroundings } from '../result.ts';

/** Something that the script's surroundings may know, asked for while it is interpreted. */
export type Lookup =
  | { readonly type: 'include'; readonly path: string }
  | { readonly type: 'columns'; readonly source: Source }
  | { readonly type: 'files'; readonly pattern: string }
  | { readonly type: 'connection'; readonly name: string };

/** What became of a {@link Lookup}; undefined: nobody knows. */
export type Found =
  | { readonly type: 'include'; readonly text: string | undefined }
  | { readonly type: 'columns'; readonly columns: readonly string[] | undefined }
  | { readonly type: 'files'; readonly files: readonly string[] | undefined }
  | { readonly type: 'connection'; readonly facts: ConnectionFacts | undefined };

/** Looks something up, however long it takes; rejects only when the whole is called off. */
export type LookUp = (asked: Lookup) => Promise<Found>;

/** One script to interpret. Plain data: it goes to another process. */
export interface ScriptQuestion {
  readonly text: string;
  /** Values of variables from elsewhere, and the tables that the last reload left. */
  readonly variables?: Surroundings['variables'];
  readonly model?: Surroundings['model'];
  readonly limits?: Limits | undefined;
}

/** What a script's interpretation took. */
export interface Effort {
  /** Of the last round, which is the one that counts; SQL included. */
  readonly interpretMs: number;
  readonly sqlMs: number;
  /** How often it was begun again because something was learnt. */
  readonly rounds: number;
  /** The most memory that the child ever had. */
  readonly peakRssBytes: number;
}

export interface ScriptAnswer {
  readonly lineage: ScriptLineage;
  readonly effort: Effort;
}

/** To the child. */
export type Request =
  | { readonly type: 'script'; readonly id: number; readonly question: ScriptQuestion }
  | { readonly type: 'told'; readonly id: number; readonly found: readonly (readonly [Lookup, Found])[] };

/** From the child. */
export type Reply =
  | { readonly type: 'ready' }
  | { readonly type: 'ask'; readonly id: number; readonly lookups: readonly Lookup[] }
  | { readonly type: 'answer'; readonly id: number; readonly answer: ScriptAnswer }
  /** The interpreter threw, which is a defect; the process goes on. */
  | { readonly type: 'failed'; readonly id: number; readonly message: string };

/** The same text for the same question, from which {@link lookupOf} makes it again. */
export const lookupKey = (asked: Lookup): string => {
  switch (asked.type) {
    case 'include':
      return `include ${asked.path}`;
    case 'columns':
      return `columns ${JSON.stringify(asked.source)}`;
    case 'files':
      return `files ${asked.pattern}`;
    case 'connection':
      return `connection ${asked.name.toLowerCase()}`;
    default:
      return asked satisfies never;
  }
};

export const lookupOf = (key: string): Lookup | undefined => {
  const [type = ''] = key.split(' ', 1);
  const rest = key.slice(type.length + 1);
  switch (type) {
    case 'include':
      return { type, path: rest };
    case 'columns':
      return { type, source: JSON.parse(rest) as Source };
    case 'files':
      return { type, pattern: rest };
    case 'connection':
      return { type, name: rest };
    default:
      return undefined;
  }
};
