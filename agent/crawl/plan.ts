import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Keys } from './keys.ts';

/** Which apps a crawl opens, and which it does not. */
export interface Plan {
  /** The smallest first: they are taken from the end, since a large one at the end would leave the other sessions idle. */
  readonly read: QrsApp[];
  /** Apps whose scope was published by an earlier attempt of the same job. */
  readonly published: readonly QrsApp[];
}

/** Plans the visits to the apps that the repository listed. */
export const planOf = (rows: readonly QrsApp[], keys: Keys, skipScopes: ReadonlySet<string> | undefined): Plan => {
  const read: QrsApp[] = [];
  const published: QrsApp[] = [];
  for (const row of rows) (skipScopes?.has(keys.of(row.id)) === true ? published : read).push(row);
  read.sort((a, b) => (a.fileSize ?? 0) - (b.fileSize ?? 0));
  return { read, published };
};
