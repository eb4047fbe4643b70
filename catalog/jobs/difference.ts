/** Changed things that the history of a publish names; the numbers are always whole. */
export const NAMED_CHANGES = 200;

export interface Named {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
}

export interface Difference {
  added: number;
  changed: number;
  removed: number;
  names: { added: Named[]; changed: Named[]; removed: Named[] };
}

export const NOTHING = (): Difference => ({
  added: 0,
  changed: 0,
  removed: 0,
  names: { added: [], changed: [], removed: [] },
});

/** What the store did with one scope of a group. */
export interface Written {
  readonly key: string;
  readonly isFirst: boolean;
  readonly difference: Difference;
}
