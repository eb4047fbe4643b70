import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '#config/durable-file.ts';
import type { LineageInputs } from '../lineage/lookups.ts';
import type { IncludeMarks } from '../site-files.ts';
import { type Checkpoint, fileStem, makeFolder, type NotedApp } from './checkpoint.ts';
import { UNSURE_INPUT } from './reasons.ts';

const Marks = z.array(z.tuple([z.string(), z.string()]));
const Notes = z.object({
  version: z.literal(1),
  code: z.string(),
  /** The job that wrote `apps`; the catalog names it when it published that job whole. Empty: none, or it was forgotten. */
  job: z.string(),
  /** The last job that made the lineage of any app anew; absent: none did. */
  by: z.string().optional(),
  /** The checkpoint that they add to. */
  checkpoint: z.string(),
  apps: z.array(z.tuple([z.string(), z.object({ lineage: Marks, includes: Marks.optional() })])),
  /** Apps whose lineage jobs began to write that did not end well, or that were broken off: nobody knows what came of it. */
  unsure: z.array(z.string()).optional(),
});
/** With what the lineage of apps was made anew by jobs of kind `lineage` since the last crawl. */
export type RemadeNotes = z.infer<typeof Notes>;

/** With what the lineage of one app was made anew. */
export interface RemadeWith {
  readonly lineage: LineageInputs;
  /** Files that its script includes; absent: nobody looked. */
  readonly includes?: IncludeMarks | undefined;
}

const pathOf = (folder: string, code: string): string => join(folder, `${fileStem(code)}.remade`);

/** What was noted of a connection; undefined when nothing was, or it cannot be read: then lineage is made once more. */
export const readRemade = async (folder: string, code: string): Promise<RemadeNotes | undefined> => {
  try {
    const parsed = Notes.safeParse(JSON.parse(await readFile(pathOf(folder, code), 'utf8')));
    return parsed.success && parsed.data.code === code ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

/** What notes are about: a connection and the checkpoint that they add to. */
type About = Pick<RemadeNotes, 'code' | 'checkpoint'>;

/** Apps of which it is not known with what the lineage was made that the catalog has. */
const unsureOf = (notes: RemadeNotes, published: string | null | undefined): ReadonlySet<string> =>
  new Set([...(notes.unsure ?? []), ...(notes.job === published ? [] : notes.apps.map(([id]) => id))]);

/**
 * Notes that a job may publish lineage of these apps, before it writes any: if it does not end well, or is broken off, what
 * was known of them before holds no more.
 *
 * @param before notes that add to the same checkpoint
 */
export const beginRemade = async (
  folder: string,
  { code, checkpoint }: About,
  before: RemadeNotes | undefined,
  apps: readonly string[],
): Promise<void> => {
  const unsure = [...new Set([...(before?.unsure ?? []), ...apps])];
  const none: RemadeNotes = { version: 1, code, checkpoint, job: '', apps: [] };
  await save(folder, { ...(before ?? none), unsure });
};

/**
 * Notes that the catalog did not publish a job: what that made is as stale as it was before it, and for the next crawl it is
 * unsure. What was noted before that job is forgotten with it, and made once more.
 *
 * @returns whether anything of the job was noted
 */
export const forgetRemade = async (folder: string, code: string, job: string): Promise<boolean> => {
  const notes = await readRemade(folder, code);
  if (notes === undefined || notes.job !== job) return false;
  const { by: _, ...others } = notes;
  await save(folder, { ...others, job: '', apps: [], unsure: [...unsureOf(notes, undefined)] });
  return true;
};

/**
 * Replaces the notes of a connection by those of a job: what it made anew, beside what the job before it made that the
 * catalog has.
 *
 * @param before notes that add to the same checkpoint, as they were when the job began
 * @param made.published the last job that the catalog published
 * @param made.earlier apps that an earlier run of the job wrote
 */
export const saveRemade = async (
  folder: string,
  { code, checkpoint }: About,
  before: RemadeNotes | undefined,
  made: {
    readonly job: string;
    readonly published: string | null | undefined;
    readonly apps: ReadonlyMap<string, RemadeWith>;
    readonly earlier: readonly string[];
  },
): Promise<void> => {
  const copy = (marks: LineageInputs): [string, string][] => marks.map(([name, mark]) => [name, mark]);
  const apps = new Map(before?.job === made.published ? before?.apps : []);
  const unsure = new Set([...(before === undefined ? [] : unsureOf(before, made.published)), ...made.earlier]);
  for (const [id, { lineage, includes }] of made.apps) {
    apps.set(id, { lineage: copy(lineage), ...(includes === undefined ? {} : { includes: copy(includes) }) });
    unsure.delete(id);
  }
  const { job } = made;
  const by = made.apps.size > 0 ? job : before?.by;
  await save(folder, {
    version: 1,
    code,
    job,
    ...(by === undefined ? {} : { by }),
    checkpoint,
    apps: [...apps],
    ...(unsure.size === 0 ? {} : { unsure: [...unsure] }),
  });
};

const save = async (folder: string, notes: RemadeNotes): Promise<void> => {
  await makeFolder(folder);
  await replaceFile(pathOf(folder, notes.code), Buffer.from(JSON.stringify(notes)));
};

/**
 * A checkpoint with what was noted since; as it is when the notes add to another.
 *
 * @param published the last job that made lineage anew and that the catalog published: what others made it may have or not
 */
export const withRemade = (
  checkpoint: Checkpoint,
  notes: RemadeNotes | undefined,
  published: string | null | undefined,
): Checkpoint => ({ ...checkpoint, apps: checkpoint.apps.map(remadeSince(checkpoint.name, notes, published)) });

/** What {@link withRemade} makes of each app of the checkpoint of this name. */
export const remadeSince = (
  checkpoint: string,
  notes: RemadeNotes | undefined,
  published: string | null | undefined,
): ((app: NotedApp) => NotedApp) => {
  if (notes?.checkpoint !== checkpoint) return (app) => app;
  const remade = new Map(notes.job === published ? notes.apps : []);
  const unsure = unsureOf(notes, published);
  return ([id, known]) => {
    const made = { ...known, ...remade.get(id) };
    const isUnsure = unsure.has(id) && made.lineage !== undefined;
    return [id, isUnsure ? { ...made, lineage: [[UNSURE_INPUT, '?']] } : made];
  };
};
