import { hash } from 'node:crypto';
import { z } from 'zod';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { ObjectDigest } from '#agent/qlik/repository/object-digests.ts';
import type { People } from '../people.ts';

/** What tells that an app has to be read again, as it was when it was read; null: never, or not known. */
export const Fingerprint = z.object({
  modified: z.string().nullable(),
  reloaded: z.string().nullable(),
  published: z.string().nullable(),
  /** How many objects the repository keeps of it, and the sum of their hashes. */
  objects: z.string().nullable(),
  /** The owner as written. */
  owner: z.string().nullable(),
  /** The stream's name as written. */
  stream: z.string().nullable(),
  /** Digest of all else that the repository's row says: name, description, tags, custom properties, size. */
  properties: z.string(),
});
export type Fingerprint = z.infer<typeof Fingerprint>;
export type FingerprintPart = keyof Fingerprint;

/** The first 16 hex digits of the SHA-256 of a value's JSON. */
export const digestOf = (value: unknown): string => hash('sha256', JSON.stringify(value) ?? '').slice(0, 16);

export const objectsText = (digest: ObjectDigest | undefined): string | null =>
  digest === undefined ? null : `${digest.count}:${digest.sum}`;

/** How many objects a part `objects` speaks of. */
export const objectCount = (objects: string | null): number => Number.parseInt(objects ?? '0', 10);

/** @param objects undefined when they could not be listed */
export const fingerprintOf = (row: QrsApp, people: People, objects: string | null): Fingerprint => {
  const { modifiedDate, lastReloadTime, publishTime, owner, stream, ...rest } = row;
  const written = people.owner(owner);
  return {
    modified: modifiedDate,
    reloaded: lastReloadTime,
    published: publishTime,
    objects,
    owner:
      written === undefined
        ? null
        : [written['name'], written['account'], written['email']].filter((part) => typeof part === 'string').join(', '),
    stream: stream?.name ?? null,
    properties: digestOf([rest, owner?.id, stream?.id]),
  };
};

/** In the order in which one gives the reason: what changes most of an app comes first. */
const PARTS = ['reloaded', 'published', 'modified', 'objects', 'owner', 'stream', 'properties'] as const;

/** Which parts differ. Objects that were not known on one of the sides do not count. */
export const changedParts = (before: Fingerprint, now: Fingerprint): FingerprintPart[] =>
  PARTS.filter((part) =>
    part === 'objects' && (before.objects === null || now.objects === null) ? false : before[part] !== now[part],
  );
