import { createHash, createHmac } from 'node:crypto';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileBounds, whyOutOfBounds } from '../file-bounds.ts';
import type { FileContent, FileReader } from '../files.ts';

/** Reads the files that a connection names, and remembers which: they are watched and hashed with it. */
export class SideFiles {
  readonly #folder: string;
  readonly #read: FileReader;
  readonly #whyNot: (path: string) => string | undefined;
  readonly #seen = new Map<string, FileContent>();
  readonly #shown = new Set<string>();

  /** `bounds`: which files a connection may use; `none` for the agent's own settings, which may name any. */
  constructor(folder: string, read: FileReader, bounds: FileBounds | 'none' | undefined) {
    this.#folder = resolve(folder);
    this.#read = read;
    this.#whyNot = (path) => (bounds === 'none' ? undefined : whyOutOfBounds(path, this.#folder, bounds));
  }

  /** Why a connection may not use what is at an absolute path; undefined when it may. Links are not followed here. */
  whyNot(path: string): string | undefined {
    return this.#whyNot(resolve(path));
  }

  /** True for the folder of the connection files, and what lies in it. Links are not followed here. */
  isBeside(path: string): boolean {
    const way = relative(this.#folder, resolve(path));
    return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  }

  /** The absolute path that a value stands for: relative to the folder, absolute, or a `file:` URL of either kind. */
  pathOf(value: string): string {
    if (/^file:\/\//i.test(value)) return fileURLToPath(value);
    const path = value.replace(/^file:/i, '');
    return isAbsolute(path) ? path : resolve(this.#folder, path);
  }

  /** Reads a file once; an arrow function, so that it can be handed on as a {@link FileReader}. */
  readonly read: FileReader = (path) => {
    const known = this.#seen.get(path);
    if (known !== undefined) return known;
    const content = this.#bounded(path);
    this.#seen.set(path, content);
    return content;
  };

  /** What is out of bounds by its own name is not even opened; links are followed first. */
  #bounded(path: string): FileContent {
    const named = this.#whyNot(resolve(path));
    if (named !== undefined) return { type: 'unreadable', reason: named };
    const content = this.#read(path);
    const led = content.type === 'file' || content.type === 'folder' ? this.#whyNot(content.realPath) : undefined;
    return led === undefined ? content : { type: 'unreadable', reason: led };
  }

  /** Reads the file that a value of the connection names. */
  readNamed(value: string): FileContent {
    try {
      return this.read(this.pathOf(value));
    } catch {
      return { type: 'unreadable', reason: 'it is not a path or a file: URL' };
    }
  }

  /** As {@link readNamed}, of a file that anybody may see, such as certificates of authorities. */
  readShown(value: string): FileContent {
    try {
      this.#shown.add(this.pathOf(value));
    } catch {
      // Said below.
    }
    return this.readNamed(value);
  }

  /** The names of {@link digests} that only stand for files that anybody may see. */
  shown(): ReadonlySet<string> {
    const names = (paths: readonly string[]): string[] => paths.map((path) => `file ${basename(path)}`);
    const hidden = new Set(names([...this.#seen.keys()].filter((path) => !this.#shown.has(path))));
    return new Set(names([...this.#shown]).filter((name) => !hidden.has(name)));
  }

  /** Absolute paths of everything that was asked for, also of what was not there. */
  paths(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** A digest (hex) of each file that was asked for, as the journal calls it: `file token.txt`; stays in this process. */
  digests(): ReadonlyMap<string, string> {
    const digests = new Map<string, string>();
    for (const [path, content] of this.#seen) {
      const name = `file ${basename(path)}`;
      const hash = createHash('sha256').update(`${digests.get(name) ?? ''}\0${path}\0${content.type}\0`);
      if (content.type === 'file') hash.update(content.bytes);
      digests.set(name, hash.digest('hex'));
    }
    return digests;
  }

  /**
   * HMAC-SHA-256 (hex) over the text, every side file, and whatever else the result depends on: what it leaves the
   * network with must not let anybody try passwords.
   */
  hash(text: Uint8Array, key: Uint8Array, others: readonly string[] = []): string {
    const hash = createHmac('sha256', key).update(`${text.byteLength}\0`).update(text);
    for (const other of others) hash.update(`\0${other}`);
    for (const [path, content] of [...this.#seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`\0${path}\0${content.type}\0`);
      if (content.type === 'file') hash.update(content.bytes);
    }
    return hash.digest('hex');
  }
}
