import { createHash } from 'node:crypto';
import { chmod, type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, replaceFileBy, writeAll } from '#config/durable-file.ts';
import { OUTCOMES, Reason } from '#protocol/records.ts';
import { Fingerprint } from './fingerprint.ts';

/** What is known of an app that was read, or that was tried. */
export const KnownApp = z.object({
  name: z.string(),
  fingerprint: Fingerprint,
  /** Of the last time it was read. */
  outcome: z.enum(OUTCOMES),
  /** When it was read last, and why then. ISO 8601. */
  readAt: z.string(),
  readFor: Reason,
  /** Why it was read or passed over in the crawl that wrote this. */
  reason: Reason,
  /** It could not be read whole for a reason that may have passed. */
  again: z.boolean(),
  /** Files that its script includes, and what told them from others when it was read. */
  includes: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** What its lineage was made with besides itself, and what told that from others. */
  lineage: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** What its fingerprint was before it was read last. */
  before: Fingerprint.optional(),
});
export type KnownApp = z.infer<typeof KnownApp>;

/** What is known of the rows of one list of the site's scope. */
const KnownList = z.object({
  entity: z.string(),
  /** Rows that were modified after it are read the next time. */
  since: z.string().nullable(),
  /** Of what the rows are written with from other lists. */
  signature: z.string().optional(),
  /** Id and digest of each row. */
  rows: z.array(z.tuple([z.string(), z.string()])),
});

/** What was written of the site's scope. */
export const KnownSite = z.object({
  lists: z.array(KnownList),
  /** Ids of users and their e-mail addresses: owners of apps are written with them. */
  people: z.array(z.tuple([z.string(), z.string()])),
  /** Names and keys of extensions: charts that are drawn by them are written with them. */
  extensions: z.array(z.tuple([z.string(), z.string()])),
  /** Where data connections lead: what scripts read is named by them. */
  connections: z
    .array(
      z.object({ id: z.string(), name: z.string(), type: z.string(), target: z.looseObject({ kind: z.string() }) }),
    )
    .default([]),
  /** Digest of what was written of the site itself. */
  self: z.string(),
  /** It has to be read as a whole the next time. */
  again: z.boolean(),
  appsSince: z.string().nullable(),
  objectsSince: z.string().nullable(),
  /** Digests of objects that were modified after `objectsSince`: they come again and are known. */
  recentObjects: z.array(z.string()),
});
export type KnownSite = z.infer<typeof KnownSite>;

/** What decides, besides the site itself, whether a state can be gone on from. */
export const Identity = z.object({
  /** Release of the crawler and version of what it writes. */
  crawler: z.string(),
  /** The catalog and this agent, or where else the records go. */
  owner: z.string(),
  /** Digests of how the site is reached and as whom, of the filter, and of what else changes what is read. */
  connection: z.string(),
  filter: z.string(),
  options: z.string(),
});
export type Identity = z.infer<typeof Identity>;

/** The state that a crawl leaves behind for the next one. */
export const Checkpoint = z.object({
  version: z.literal(1),
  /** Random; the catalog names it when it wants the next crawl to go on from here. */
  name: z.string(),
  code: z.string(),
  job: z.string(),
  writtenAt: z.string(),
  /** When a crawl last read everything, and when ids of all lists were last compared. */
  fullAt: z.string(),
  idsAt: z.string(),
  identity: Identity,
  site: KnownSite,
  apps: z.array(z.tuple([z.string(), KnownApp])),
  /** Objects of apps that are not crawled, such as those that the filter rejects: app and digest. */
  otherObjects: z.array(z.tuple([z.string(), z.string()])),
  /** Apps that the filter rejects: id, name, and the rule that decided. */
  rejected: z.array(z.tuple([z.string(), z.string(), z.string()])),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

/** A checkpoint without its apps. */
type Head = Omit<Checkpoint, 'apps'>;
/** What a checkpoint says of one app. */
export type NotedApp = Checkpoint['apps'][number];
type TakeApp = (app: NotedApp) => void;

export type Loaded<C = Checkpoint> =
  | { readonly type: 'checkpoint'; readonly checkpoint: C }
  | { readonly type: 'none' }
  | { readonly type: 'damaged'; readonly why: string };

/** The name of a connection's files: codes that differ in case only have files of their own. */
export const fileStem = (code: string): string =>
  `${code.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 64)}-${createHash('sha256').update(code).digest('hex').slice(0, 8)}`;

/** The folder of the checkpoints below the state folder. */
export const CHECKPOINT_FOLDER = 'checkpoints';

const pathOf = (folder: string, code: string): string => join(folder, `${fileStem(code)}.json`);

const MAGIC = 'culvert-checkpoint';
const PIECE_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** Reads the checkpoint of a connection. What is damaged is said, never thrown: the next crawl reads everything then. */
export const loadCheckpoint = async (folder: string, code: string): Promise<Loaded> =>
  ofConnection(code, await load(pathOf(folder, code)));

/**
 * Reads the checkpoint of a connection and keeps none of its apps: all of ten thousand are 60 MB.
 *
 * @param begin is given what stands before the apps, and answers with what takes them, one after the other. Only the result
 * tells whether it is all true: the checksum is known at the end.
 */
export const passCheckpoint = async (
  folder: string,
  code: string,
  begin: (head: Head) => TakeApp,
): Promise<Loaded<Head>> => ofConnection(code, await pass(pathOf(folder, code), begin));

const ofConnection = <C extends Head>(code: string, loaded: Loaded<C>): Loaded<C> =>
  loaded.type === 'checkpoint' && loaded.checkpoint.code !== code ? { type: 'none' } : loaded;

/** All checkpoints of a folder that can be read. */
export const loadCheckpoints = async (folder: string): Promise<Checkpoint[]> => {
  const names = await readdir(folder).catch(() => []);
  const loaded = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => load(join(folder, name))),
  );
  return loaded.flatMap((one) => (one.type === 'checkpoint' ? [one.checkpoint] : []));
};

const load = async (path: string): Promise<Loaded> => {
  const apps: NotedApp[] = [];
  const loaded = await pass(path, () => (app) => apps.push(app));
  return loaded.type === 'checkpoint' ? { ...loaded, checkpoint: { ...loaded.checkpoint, apps } } : loaded;
};

const pass = async (path: string, begin: (head: Head) => TakeApp): Promise<Loaded<Head>> => {
  try {
    await using file = await open(path, 'r');
    return await read(file, begin);
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
      ? { type: 'none' }
      : { type: 'damaged', why: `it cannot be read (${errnoOf(error)})` };
  }
};

/** App by app: as one text, and as the objects that are made of it, ten thousand apps would take 100 MB at once. */
const read = async (file: FileHandle, begin: (head: Head) => TakeApp): Promise<Loaded<Head>> => {
  const hash = createHash('sha256');
  let magic: string | undefined;
  let head: Head | undefined;
  let take: TakeApp | undefined;
  let flaw: string | undefined;
  for await (const line of linesOf(file)) {
    if (magic === undefined) {
      magic = line.toString().trimEnd();
      continue;
    }
    hash.update(line);
    // What follows a flaw still counts for the checksum, which decides what is said of it.
    if (flaw !== undefined) continue;
    const text = line.toString().trimEnd();
    if (take === undefined) {
      const first = headIn(text);
      if (typeof first === 'string') flaw = first;
      else {
        head = first;
        take = begin(head);
      }
    } else if (text !== END) flaw = takeApp(text, take);
  }
  if (magic !== `${MAGIC} ${hash.digest('hex')}`)
    return { type: 'damaged', why: 'it does not agree with its checksum' };
  if (flaw !== undefined || head === undefined) return { type: 'damaged', why: flaw ?? NOT_JSON };
  return { type: 'checkpoint', checkpoint: head };
};

const END = ']}';
const NOT_JSON = 'it is not JSON';
const OTHER_RELEASE = 'it was written by another release';
const KnownAppLine = Checkpoint.shape.apps.element;

/** What stands before the apps, or what is wrong with it. */
const headIn = (text: string): Head | string => {
  const value = jsonOf(text + END);
  if (value === undefined) return NOT_JSON;
  const parsed = Checkpoint.safeParse(value);
  if (!parsed.success) return OTHER_RELEASE;
  const { apps: _, ...head } = parsed.data;
  return head;
};

/** Hands over the app of a line; returns what is wrong with it. */
const takeApp = (text: string, take: TakeApp): string | undefined => {
  const value = jsonOf(text.endsWith(',') ? text.slice(0, -1) : text);
  if (value === undefined) return NOT_JSON;
  const parsed = KnownAppLine.safeParse(value);
  if (!parsed.success) return OTHER_RELEASE;
  take(parsed.data);
  return undefined;
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The lines of a file, each with the line feed that ends it. */
async function* linesOf(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(PIECE_BYTES);
  let carried: Buffer[] = [];
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    let from = 0;
    for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, from)) {
      yield Buffer.concat([...carried, piece.subarray(from, at + 1)]);
      carried = [];
      from = at + 1;
    }
    if (from < bytesRead) carried.push(Buffer.from(piece.subarray(from)));
  }
  if (carried.length > 0) yield Buffer.concat(carried);
}

/** Names and addresses of people are in it: the folder is this user's alone, too. */
export const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32') await chmod(folder, 0o700);
};

/** Replaces the checkpoint of a connection, as a whole or not at all. */
export const saveCheckpoint = async (folder: string, checkpoint: Checkpoint): Promise<void> => {
  await makeFolder(folder);
  await replaceFileBy(pathOf(folder, checkpoint.code), async (file) => {
    // The checksum stands in front of what it is of, and is known behind it.
    const hash = createHash('sha256');
    let position = Buffer.byteLength(`${MAGIC} ${hash.copy().digest('hex')}\n`);
    for (const text of piecesOf(checkpoint)) {
      const bytes = Buffer.from(text);
      hash.update(bytes);
      await writeAll(file, bytes, position);
      position += bytes.length;
    }
    await writeAll(file, Buffer.from(`${MAGIC} ${hash.digest('hex')}\n`), 0);
  });
};

/** A checkpoint as JSON in which each app has a line. */
function* piecesOf({ apps, ...rest }: Checkpoint): Generator<string> {
  let piece = `${JSON.stringify({ ...rest, apps: [] }).slice(0, -END.length)}\n`;
  for (const [index, app] of apps.entries()) {
    piece += `${JSON.stringify(app)}${index + 1 < apps.length ? ',' : ''}\n`;
    if (piece.length < PIECE_BYTES) continue;
    yield piece;
    piece = '';
  }
  yield piece + END;
}
