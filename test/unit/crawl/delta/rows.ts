import type { Checkpoint, KnownApp } from '#agent/crawl/delta/checkpoint.ts';
import type { Fingerprint } from '#agent/crawl/delta/fingerprint.ts';
import { QrsApp } from '#agent/qlik/repository/entities.ts';

export const APP_ID = '3b1a2c5e-0000-4000-8000-000000000001';

/** An app as the repository lists it. */
export const appRow = (more: Readonly<Record<string, unknown>> = {}): QrsApp =>
  QrsApp.parse({
    id: APP_ID,
    name: 'Sales',
    createdDate: '2026-01-01T00:00:00.000Z',
    modifiedDate: '2026-02-01T00:00:00.000Z',
    modifiedByUserName: 'CORP\\ann',
    owner: { id: 'u-1', userId: 'ann', userDirectory: 'CORP', name: 'Ann' },
    tags: [],
    customProperties: [],
    description: '',
    publishTime: '2026-01-02T00:00:00.000Z',
    published: true,
    stream: { id: 's-1', name: 'Finance' },
    fileSize: 1_000,
    lastReloadTime: '2026-01-31T00:00:00.000Z',
    thumbnail: '',
    savedInProductVersion: '',
    sourceAppId: '',
    targetAppId: '',
    availabilityStatus: 1,
    ...more,
  });

export const print: Fingerprint = {
  modified: '2026-02-01T00:00:00.000Z',
  reloaded: '2026-01-31T00:00:00.000Z',
  published: '2026-01-02T00:00:00.000Z',
  objects: `12:${'a'.repeat(24)}`,
  owner: 'Ann, CORP\\ann, ann@corp.example',
  stream: 'Finance',
  properties: 'd1d1d1d1d1d1d1d1',
};

export const knownApp = (more: Partial<KnownApp> = {}): KnownApp => ({
  name: 'Sales',
  fingerprint: print,
  outcome: 'complete',
  readAt: '2026-02-02T00:00:00.000Z',
  readFor: { code: 'first', message: 'It was not known before.' },
  reason: { code: 'unchanged', message: 'Nothing of it changed since it was read.' },
  again: false,
  ...more,
});

export const checkpoint = (code: string, apps: Checkpoint['apps'], more: Partial<Checkpoint> = {}): Checkpoint => ({
  version: 1,
  name: 'f00d',
  code,
  job: 'job-1',
  writtenAt: '2026-02-03T00:00:00.000Z',
  fullAt: '2026-02-01T00:00:00.000Z',
  idsAt: '2026-02-01T00:00:00.000Z',
  identity: { crawler: '1.0.0/1', owner: 'o', connection: 'c', filter: 'f', options: 'p' },
  site: {
    lists: [],
    people: [],
    extensions: [],
    connections: [],
    self: '',
    again: false,
    appsSince: null,
    objectsSince: null,
    recentObjects: [],
  },
  apps,
  otherObjects: [],
  rejected: [],
  ...more,
});
