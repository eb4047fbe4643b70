import { wholePath } from '../file-place.ts';
import type { Source } from '../result.ts';

/** A row of the engine's own notes on the last reload. */
export interface TouchedRow {
  readonly discriminator: string;
  readonly statement: string;
}

/** One text for each place that a source can be, however it is written; undefined: nobody knows. */
export type PlaceOf = (source: Source) => string | undefined;

const STORE = /^(?:DSN=)?\{?\s*STORE - (?:STORE\b[\s\S]*?\bINTO\s+)?(?:\[([^\]]+)\]|(\S[^()\n]*))/i;
const OF_THE_SCRIPT = /^(?:INLINE|AUTOGENERATE|EXTENSION|FROM_FIELD|RESIDENT)\b/i;
const PATH = /^(?:lib:\/\/|[a-z]:[\\/]|\\\\|\/\/|\/|[a-z][a-z0-9+.-]{1,20}:\/\/)/i;

/**
 * What the engine says that a reload read and wrote. Its rows are of all spellings, name no columns, and those of
 * databases often nothing but a connection: they confirm what a script says, and never say anything themselves.
 */
export class Touched {
  readonly #read = new Map<string, string>();
  readonly #written = new Set<string>();
  readonly #writtenNames = new Set<string>();
  readonly #databases: TouchedRow[] = [];
  readonly #place: PlaceOf;
  /** False: the engine told nothing, so nothing follows from what it did not tell. */
  readonly isKnown: boolean;

  constructor(rows: readonly TouchedRow[], place: PlaceOf) {
    this.#place = place;
    this.isKnown = rows.length > 0;
    for (const row of rows) this.#take(row);
  }

  /** Paths that were read, as the engine spells them. */
  get paths(): Iterable<string> {
    return this.#read.values();
  }

  reads(source: Source): boolean {
    if (source.type === 'object') return this.#readsObject(source);
    if (source.type !== 'file' && source.type !== 'binary') return false;
    const place = this.#file(wholePath(source));
    return place !== undefined && this.#read.has(place);
  }

  writes(path: string): boolean {
    const place = this.#file(path);
    return (place !== undefined && this.#written.has(place)) || this.#writtenNames.has(lastName(path));
  }

  /** Paths that were read and that none of the sources is. */
  *besides(sources: Iterable<Source>): Generator<string> {
    const places = new Set<string>();
    for (const source of sources) {
      const place =
        source.type === 'file' || source.type === 'binary' ? this.#file(wholePath(source)) : this.#place(source);
      if (place !== undefined) places.add(place);
    }
    const all = [...places];
    // The address of a service, below which its tables are.
    for (const [place, path] of this.#read)
      if (!(places.has(place) || all.some((one) => one.startsWith(`${place}/`)))) yield path;
  }

  #take(row: TouchedRow): void {
    const text = row.discriminator
      .trim()
      .replace(/(?<!;);+$/, '')
      .trim();
    const [, bracketed, bare] = STORE.exec(text) ?? [];
    const stored = (bracketed ?? bare)?.trim();
    if (stored !== undefined) {
      const place = this.#file(stored);
      if (place === undefined) this.#writtenNames.add(lastName(stored));
      else this.#written.add(place);
      return;
    }
    if (OF_THE_SCRIPT.test(text)) return;
    const path = text.replace(/^DSN=/i, '');
    const place = PATH.test(path) ? this.#file(path) : undefined;
    if (place === undefined)
      this.#databases.push({ discriminator: path.toLowerCase(), statement: row.statement.toLowerCase() });
    else this.#read.set(place, path);
  }

  #file(path: string): string | undefined {
    return this.#place({ type: 'file', path, table: undefined, format: '' });
  }

  /** By its connection when the engine names it, and by its own name where there is a statement. */
  #readsObject(source: Extract<Source, { type: 'object' }>): boolean {
    const place = this.#place(source);
    if (place !== undefined && [...this.#read.keys()].some((address) => place.startsWith(`${address}/`))) return true;
    const connection = source.connection.toLowerCase();
    const table = source.object.toLowerCase().split(/[./]/).at(-1)?.trim() ?? '';
    if (table === '') return false;
    return this.#databases.some(({ discriminator, statement }) =>
      statement === '' ? discriminator === connection : hasWord(statement, table),
    );
  }
}

const lastName = (path: string): string => path.split(/[\\/]/).at(-1)?.trim().toLowerCase() ?? '';

const hasWord = (text: string, word: string): boolean => {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1))
    if (!(isLetter(text[at - 1]) || isLetter(text[at + word.length]))) return true;
  return false;
};

const isLetter = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}_]/u.test(character);
