/** A page of rows; `cursors[i]` is what leads to the rows after `items[i]`. */
export interface Page<T> {
  readonly items: T[];
  readonly next: readonly string[] | null;
}
