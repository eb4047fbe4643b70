import type { Origin, Place } from '../tree.ts';

/** One key of a connection file, with the option that it comes from. */
export interface Setting {
  readonly path: string;
  readonly text: string;
  /** The same with `${NAME}` not filled in, as far as it can be carried over. */
  readonly written: string;
  readonly at: Place;
  readonly origin?: Origin;
  /** Names of the options, for comments. */
  readonly from: string;
  /** Of a list: its entries, each at its place; `text` is then what a list looks like. */
  readonly items?: readonly { readonly text: string; readonly at: Place }[];
}
