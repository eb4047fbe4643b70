import { hash } from 'node:crypto';
import type { RepositoryClient } from './client.ts';
import { countRows } from './listing.ts';
import { tableRows } from './table.ts';

/**
 * What an app's objects amount to: how many there are, and the sum of the hashes of their ids and content, which is the same
 * in whatever order they come.
 */
export interface ObjectDigest {
  readonly count: number;
  /** 24 hex digits. */
  readonly sum: string;
}

/** Adding must stay exact: two halves below 2⁴⁸. */
const MODULUS = 2 ** 48;
const HALF_DIGITS = 12;

class Sum {
  count = 0;
  #high = 0;
  #low = 0;

  add(text: string): void {
    const digits = hash('sha256', text);
    this.count += 1;
    this.#high = (this.#high + Number.parseInt(digits.slice(0, HALF_DIGITS), 16)) % MODULUS;
    this.#low = (this.#low + Number.parseInt(digits.slice(HALF_DIGITS, 2 * HALF_DIGITS), 16)) % MODULUS;
  }

  digest(): ObjectDigest {
    const hex = (half: number): string => half.toString(16).padStart(HALF_DIGITS, '0');
    return { count: this.count, sum: `${hex(this.#high)}${hex(this.#low)}` };
  }
}

/** An object as far as it tells that something changed. */
export interface ObjectMark {
  readonly id: string;
  readonly appId: string;
  readonly contentHash: string;
  readonly modified: string;
}

const COLUMNS = ['id', 'app.id', 'contentHash', 'modifiedDate'] as const;

const marks = async function* (
  repository: RepositoryClient,
  filter: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectMark> {
  for await (const page of tableRows(repository, 'app/object', COLUMNS, { filter, signal }))
    for (const [id, appId, contentHash, modified] of page)
      yield {
        id: String(id),
        appId: String(appId ?? ''),
        // Old releases have none: then the date alone tells.
        contentHash: typeof contentHash === 'string' ? contentHash : String(modified ?? ''),
        modified: String(modified ?? ''),
      };
};

/** The objects that were modified since (ISO 8601), one after the other. */
export const objectsSince = (
  repository: RepositoryClient,
  since: string,
  signal?: AbortSignal,
): AsyncGenerator<ObjectMark> => marks(repository, `modifiedDate gt '${since}'`, signal);

export const countObjects = (repository: RepositoryClient, signal?: AbortSignal): Promise<number> =>
  countRows(repository, 'app/object', { signal });

/** Identifiers of one filter: the address stays under 4 KiB. */
const SLICE_APPS = 40;

/**
 * Digests of the objects of these apps, or of all apps: by app, without ever holding the objects. `onObject` sees each as
 * it passes by.
 */
export const objectDigests = async (
  repository: RepositoryClient,
  apps: readonly string[] | 'all',
  onObject: (mark: ObjectMark) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Map<string, ObjectDigest>> => {
  const sums = new Map<string, Sum>();
  const take = async (filter: string | undefined): Promise<void> => {
    for await (const mark of marks(repository, filter, signal)) {
      onObject(mark);
      const sum = sums.get(mark.appId) ?? new Sum();
      sums.set(mark.appId, sum);
      sum.add(`${mark.id}:${mark.contentHash}`);
    }
  };
  if (apps === 'all') await take(undefined);
  else
    for (let from = 0; from < apps.length; from += SLICE_APPS) {
      const slice = apps.slice(from, from + SLICE_APPS).map((id) => `app.id eq ${id}`);
      await take(slice.join(' or '));
    }
  return new Map([...sums].map(([app, sum]) => [app, sum.digest()]));
};
