import { columnOf, fileDataset } from '#agent/lineage/dataset-names.ts';
import { type FoundFile, identity, promptly, reasonOf } from '#agent/lineage/files/mapped-folders.ts';
import { type QvdHeader, type QvdRead, readQvdHeader } from '#agent/lineage/qvd/header.ts';
import { Fault } from '#protocol/errors.ts';
import { type JsonObject, present } from './attributes.ts';
import type { Keys } from './keys.ts';
import type { Gaps } from './missing.ts';
import type { ScopeWriter } from './scope-writer.ts';
import type { SiteFiles } from './site-files.ts';

export interface QvdWriting {
  readonly files: SiteFiles;
  readonly keys: Keys;
  /** Address of the site: a path of one of its server's drives is named by it. */
  readonly origin: string;
  /** Ids of the apps that there are; producers among them get an edge. */
  readonly apps: ReadonlySet<string>;
  /** There is a filter: what another app wrote into its file about itself stays here. */
  readonly isFiltered: boolean;
  readonly gaps: Gaps;
}

/** Heads that are read at the same time: a share answers slowly, and each is but a piece. */
const AT_ONCE = 16;
const MOST_COLUMNS = 2_000;
const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const MISSING = 'QVD files';

/**
 * Writes the QVD files that the agent can read as datasets with their columns into the site's scope, and an edge from the
 * app that made each. Folders that cannot be read are noted, so that what lies there is not taken for deleted. One that is
 * no QVD, or damaged, is a dataset of which nothing but that is known.
 */
export const writeQvdDatasets = async (out: ScopeWriter, writing: QvdWriting): Promise<void> => {
  const { files, gaps } = writing;
  const { signal } = files;
  const folders = await files.qvds();
  if (folders === undefined) return;
  const note = (where: string, why: string): void =>
    gaps.note(MISSING, new Fault('qlik.folder_unreadable', `QVD files below ${where}: ${why}`));
  let batch: FoundFile[] = [];
  const flush = async (): Promise<void> => {
    const heads = await Promise.all(batch.map((file) => headOf(file, signal)));
    for (const [index, file] of batch.entries()) {
      const head = heads[index];
      if (head !== undefined) await writeDataset(out, file, head, writing);
    }
    batch = [];
  };
  for await (const file of folders.walk('.qvd', note, signal)) {
    batch.push(file);
    if (batch.length >= AT_ONCE) await flush();
  }
  await flush();
};

const headOf = async (file: FoundFile, signal: AbortSignal | undefined): Promise<QvdRead> => {
  try {
    return await promptly(async () => {
      await using handle = await file.open();
      return await readQvdHeader(handle);
    }, signal);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return { type: 'refused', why: `could not be read: ${reasonOf(error)}` };
  }
};

const writeDataset = async (
  out: ScopeWriter,
  file: FoundFile,
  head: QvdRead,
  { keys, origin, apps, isFiltered }: QvdWriting,
): Promise<void> => {
  const path = identity({ ...file.path, ignoresCase: false });
  const key = fileDataset(file.path, new URL(origin).hostname) ?? keys.of('dataset', identity(file.path));
  const { from } = file.mapping;
  const producer = head.type === 'header' && GUID.test(head.header.creator) ? head.header.creator.toLowerCase() : '';
  const isNamed = !isFiltered || producer === '' || apps.has(producer);
  await out.asset({
    kind: 'dataset',
    key,
    name: file.names.at(-1) ?? path,
    parent: keys.site,
    attributes: present({
      type: 'qvd',
      path,
      library: from.root.startsWith('lib://') ? [from.root, ...from.names, ...file.names].join('/') : undefined,
      sizeBytes: file.sizeBytes,
      modified: new Date(file.modifiedMs).toISOString(),
      ...(head.type === 'header' ? headFacts(head.header, isNamed) : { unreadable: `The file ${head.why}.` }),
      producerApp: producer === '' || !isNamed ? undefined : keys.of(producer),
    }),
  });
  if (head.type !== 'header') return;
  if (apps.has(producer)) await out.edge('produces', keys.of(producer), key);
  for (const [position, field] of head.header.fields.slice(0, MOST_COLUMNS).entries()) {
    await out.asset({
      kind: 'column',
      key: columnOf(key, field.name),
      name: field.name,
      parent: key,
      attributes: present({
        position,
        distinctValues: field.distinctValues,
        numberType: field.numberType === 'UNKNOWN' ? undefined : field.numberType,
        comment: field.comment,
        tags: [...field.tags],
      }),
    });
  }
};

const headFacts = (head: QvdHeader, isNamed: boolean): JsonObject =>
  present({
    table: head.tableName,
    rows: head.rows,
    fields: head.fields.length,
    recordBytes: head.recordBytes,
    producer: isNamed ? head.creator : undefined,
    created: timeOf(head.created),
    build: head.build,
    comment: head.comment,
    tags: [...head.tags],
    encrypted: head.encrypted || undefined,
    // Of the app as a whole; what else lies behind the file is not known from here.
    sources: isNamed
      ? head.sources.map(({ discriminator, statement }) => present({ discriminator, statement }))
      : undefined,
  });

/** `2025-03-04 05:06:07`, which is UTC. */
const timeOf = (text: string): string | undefined => {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/.exec(text) ?? [];
  return day === undefined || time === undefined ? undefined : `${day}T${time}.000Z`;
};
