import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '#config/durable-file.ts';
import type { LineageInputs } from '../lineage/lookups.ts';
import type { IncludeMarks } from '../site-files.ts';
import { type Checkpoint, fileStem, makeFolder } from './checkpoint.ts';

const Marks = z.array(z.tuple([z.string(), z.string()]));
const Notes = z.object({
  version: z.literal(1),
  code: z.string(),
  /** The job that wrote them; the catalog names it when it published that job whole. */
  job: z.string(),
  /** The last job that made the lineage of any app anew; absent: none did. */
  by: z.string().optional(),
  /** The checkpoint that they add to. */
  checkpoint: z.string(),
  apps: z.array(z.tuple([z.string(), z.object({ lineage: Marks, includes: Marks.optional() })])),
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

/** Replaces the notes of a connection by those of a job: what it made anew, beside what `before` says of other apps. */
export const saveRemade = async (
  folder: string,
  about: Pick<RemadeNotes, 'code' | 'job' | 'checkpoint'>,
  before: RemadeNotes | undefined,
  remade: ReadonlyMap<string, RemadeWith>,
): Promise<void> => {
  const copy = (marks: LineageInputs): [string, string][] => marks.map(([name, mark]) => [name, mark]);
  const apps = new Map(before?.apps);
  for (const [id, { lineage, includes }] of remade)
    apps.set(id, { lineage: copy(lineage), ...(includes === undefined ? {} : { includes: copy(includes) }) });
  await makeFolder(folder);
  const { code, job, checkpoint } = about;
  const by = remade.size > 0 ? job : before?.by;
  const notes: RemadeNotes = {
    version: 1,
    code,
    job,
    ...(by === undefined ? {} : { by }),
    checkpoint,
    apps: [...apps],
  };
  await replaceFile(pathOf(folder, code), Buffer.from(JSON.stringify(notes)));
};

/** A checkpoint with what was noted since; as it is when the notes add to another. */
export const withRemade = (checkpoint: Checkpoint, notes: RemadeNotes | undefined): Checkpoint => {
  if (notes === undefined || notes.checkpoint !== checkpoint.name) return checkpoint;
  const remade = new Map(notes.apps);
  return {
    ...checkpoint,
    apps: checkpoint.apps.map(([id, known]) => {
      const made = remade.get(id);
      return [id, made === undefined ? known : { ...known, ...made }];
    }),
  };
};
