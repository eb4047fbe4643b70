import { type FileHandle, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Reason } from '#protocol/records.ts';
import { fileStem, KnownApp, KnownSite, makeFolder } from './checkpoint.ts';

const Begun = z.object({
  t: z.literal('begun'),
  version: z.literal(1),
  code: z.string(),
  job: z.string(),
  /** The name of the checkpoint to come. */
  name: z.string(),
  mode: z.enum(['delta', 'full', 'only']),
  /** Why everything is read. */
  reason: Reason.optional(),
});
type Begun = z.infer<typeof Begun>;
const Line = z.discriminatedUnion('t', [
  Begun,
  z.object({ t: z.literal('site'), site: KnownSite }),
  z.object({ t: z.literal('app'), id: z.string(), app: KnownApp }),
]);

/** What earlier runs wrote that did not end well. */
export interface Noted {
  /** Of the same job, which is being resumed; undefined when it has not begun before. */
  readonly own: { readonly begun: Begun; readonly site: KnownSite | undefined } | undefined;
  readonly apps: ReadonlyMap<string, KnownApp>;
  /** Apps that other jobs have read since the checkpoint was written: what was published of them is not known. */
  readonly interrupted: ReadonlySet<string>;
  /** Another job wrote the site's scope since then. */
  readonly isSiteUnsure: boolean;
}

const pathOf = (folder: string, code: string): string => join(folder, `${fileStem(code)}.journal`);

/** What the journal of a connection holds, as far as it is whole. */
export const readJournal = async (folder: string, code: string, job: string): Promise<Noted> => {
  const text = await readFile(pathOf(folder, code), 'utf8').catch(() => '');
  let begun: Begun | undefined;
  let own: { begun: Begun; site: KnownSite | undefined } | undefined;
  let isSiteUnsure = false;
  const apps = new Map<string, KnownApp>();
  const interrupted = new Set<string>();
  for (const line of text.split('\n')) {
    const parsed = Line.safeParse(parse(line));
    // A power cut leaves a torn line, and whoever goes on begins a new one.
    if (!parsed.success) continue;
    const { data } = parsed;
    if (data.t === 'begun') {
      begun = data;
      if (data.job === job) own ??= { begun, site: undefined };
    } else if (begun?.job === job && own !== undefined) {
      if (data.t === 'site') own.site = data.site;
      else apps.set(data.id, data.app);
    } else if (data.t === 'site') isSiteUnsure = true;
    else interrupted.add(data.id);
  }
  return { own, apps, interrupted, isSiteUnsure };
};

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

const line = (content: z.infer<typeof Line>): string => JSON.stringify(content);

/**
 * What a crawl has written so far and as what it was read. A crawl that is resumed passes over what was published; for the
 * checkpoint it needs the fingerprints that those apps had when they were read, not those of today. Whatever ended early
 * leaves its journal: what is in there may have been published or not, and is read again.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Lines go one after the other. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Goes on with the journal of a connection, or begins one; nothing that it says is lost before {@link done}. */
  static async open(folder: string, begun: Omit<Begun, 't' | 'version'>): Promise<Journal> {
    await makeFolder(folder);
    const path = pathOf(folder, begun.code);
    const file = await open(path, 'a', 0o600);
    const journal = new Journal(path, file);
    // What follows a torn line begins on a line of its own.
    await journal.#append('');
    await journal.#append(line({ t: 'begun', version: 1, ...begun }));
    return journal;
  }

  /** Durable when it resolves: what is published later must not be known less than that. */
  site(site: KnownSite): Promise<void> {
    return this.#append(line({ t: 'site', site }));
  }

  app(id: string, app: KnownApp): Promise<void> {
    return this.#append(line({ t: 'app', id, app }));
  }

  async #append(text: string): Promise<void> {
    const written = this.#writing.then(async () => {
      await this.#file.appendFile(`${text}\n`);
      await this.#file.datasync();
    });
    this.#writing = written.catch(() => undefined);
    await written;
  }

  /** Leaves it as it is. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** All that it says is in the checkpoint. */
  async done(): Promise<void> {
    await this.close();
    await unlink(this.#path).catch(() => undefined);
  }
}
