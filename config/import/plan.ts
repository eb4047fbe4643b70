import type { Problem } from '#protocol/status.ts';
import type { Item } from '../writing/connection-file.ts';

/** A file that is written beside the connection file. */
export interface SidePlan {
  /** Without a folder; relative to the connection file. */
  readonly name: string;
  readonly content: string;
}

/** What an import writes, or why there is nothing to write. */
export type ImportPlan =
  | {
      readonly type: 'plan';
      readonly product: 'OpenMetadata' | 'Zeenea' | 'Culvert';
      readonly items: readonly Item[];
      readonly sideFiles: readonly SidePlan[];
      /** Keys that were left out; a comment in the file says why. */
      readonly dropped: readonly string[];
    }
  | { readonly type: 'refused'; readonly problems: readonly Problem[] };

export interface ImportContext {
  /** The file to import, for comments. */
  readonly file: string;
  /** Absolute folder of that file: its paths are relative to it. */
  readonly folder: string;
  /** Absolute folder of the file to write; undefined when it goes to the standard output. */
  readonly target: string | undefined;
  /** Name of the file to write without its extension, for side files. */
  readonly stem: string;
}
