import { assetKey } from '#protocol/keys.ts';

/** Keys of one connection's assets; every one begins with its code, which the connection file's reader has encoded. */
export interface Keys {
  readonly site: string;
  of(...parts: readonly string[]): string;
}

export const keysOf = (code: string): Keys => ({
  site: code,
  of: (...parts) => `${code}/${assetKey(...parts)}`,
});

/** Gives `name`, then `name~2`, `name~3`, …: ids that are repeated within one object, sections of one name. */
export const numbered = (): ((name: string) => string) => {
  const used = new Set<string>();
  const counts = new Map<string, number>();
  return (name) => {
    let count = (counts.get(name) ?? 0) + 1;
    let unique = count === 1 ? name : `${name}~${count}`;
    while (used.has(unique)) {
      count += 1;
      unique = `${name}~${count}`;
    }
    counts.set(name, count);
    used.add(unique);
    return unique;
  };
};
