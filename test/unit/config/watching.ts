import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectionFolder, type ConnectionFolderOptions } from '#config/folder.ts';
import type { ConnectionState } from '#protocol/status.ts';

/** A complete connection file. */
export const connectionFile = (code: string, more = ''): string => `name = "Site ${code}"
code = ${code}
connector_id = "qlik-sense"
connection {
  url = "https://qlik.example.com/vp"
  auth.key = "X-Qlik-User"
  auth.value = "CORP\\\\canary-${code}"
}
${more}
`;

/** Writes a file at once: of one that is written in place a watch may see the beginning, and count it as a version. */
export const replace = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
};

/** A real folder with a real watch on it, which waits for events and never for a time. */
export class Watched {
  readonly root: string;
  readonly folder: string;
  readonly journal: string[] = [];
  #subject: ConnectionFolder | undefined;

  constructor(root: string) {
    this.root = root;
    this.folder = join(root, 'connections');
  }

  static async make(): Promise<Watched> {
    return new Watched(await mkdtemp(join(tmpdir(), 'culvert-watch-')));
  }

  get subject(): ConnectionFolder {
    if (this.#subject === undefined) throw new Error('the watch was not started');
    return this.#subject;
  }

  async start(options: Partial<ConnectionFolderOptions> = {}, signal?: AbortSignal): Promise<ConnectionFolder> {
    await this.#subject?.close();
    this.#subject = new ConnectionFolder({ folder: this.folder, env: {}, rescanMs: 600_000, ...options });
    this.#subject.onChange((changes) => this.journal.push(...changes.map((change) => change.journal)));
    await this.#subject.start(signal);
    return this.#subject;
  }

  /** Resolves when the states are as wanted. */
  async until(condition: (states: ConnectionState[]) => boolean): Promise<ConnectionState[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this.subject.states())) return;
        stop();
        resolve(this.subject.states());
      };
      const stop = this.subject.onChange(look);
      look();
    });
  }

  /** Resolves when a file is in a state. */
  async untilState(file: string, state: ConnectionState['state']): Promise<ConnectionState> {
    const states = await this.until((all) => all.some((one) => one.file === file && one.state === state));
    const found = states.find((one) => one.file === file && one.state === state);
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  /** `code state` of every connection. */
  summary(): string[] {
    return this.subject.states().map(({ code, state }) => `${code} ${state}`);
  }

  async end(): Promise<void> {
    await this.#subject?.close();
    await rm(this.root, { recursive: true, force: true });
  }
}
