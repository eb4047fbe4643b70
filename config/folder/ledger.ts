import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../durable-file.ts';

/** What is remembered of a connection across restarts: never its content. */
export interface Remembered {
  readonly code: string;
  readonly name: string;
  readonly file: string;
}

/** How many connections are remembered. */
const MAX_REMEMBERED = 1000;

/** The file in the state folder that lets a restarted agent still report a removed connection as absent. */
export class Ledger {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** What was remembered; nothing when the file is missing or damaged, since it only makes reports fuller. */
  async load(): Promise<readonly Remembered[]> {
    try {
      const text = await readFile(this.#path, 'utf8');
      this.#written = text;
      const value: unknown = JSON.parse(text);
      const list = typeof value === 'object' && value !== null && 'connections' in value ? value.connections : [];
      return Array.isArray(list) ? list.filter(isRemembered).slice(0, MAX_REMEMBERED) : [];
    } catch {
      return [];
    }
  }

  /** Writes only what changed. Throws when the disk refuses. */
  async save(connections: readonly Remembered[]): Promise<void> {
    const text = `${JSON.stringify({ version: 1, connections: connections.slice(0, MAX_REMEMBERED) }, null, 1)}\n`;
    if (text === this.#written) return;
    await mkdir(dirname(this.#path), { recursive: true });
    await replaceFile(this.#path, Buffer.from(text));
    this.#written = text;
  }
}

const isRemembered = (value: unknown): value is Remembered =>
  typeof value === 'object' &&
  value !== null &&
  'code' in value &&
  typeof value.code === 'string' &&
  'name' in value &&
  typeof value.name === 'string' &&
  'file' in value &&
  typeof value.file === 'string';
