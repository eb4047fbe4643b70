import { wholePath } from '#agent/lineage/file-place.ts';
import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import { type Found, type Lookup, lookupKey } from '#agent/lineage/process/messages.ts';
import type { Source } from '#agent/lineage/result.ts';
import { decodeText } from '#agent/lineage/text/decode.ts';
import { digestOf } from '../delta/fingerprint.ts';
import type { SiteFiles } from '../site-files.ts';

/** What an app's lineage was made with besides the app, and what told it from others: another mark, another lineage. */
export type LineageInputs = readonly (readonly [input: string, mark: string])[];

/** The mark of what was not there. */
export const NOTHING = '-';

/**
 * What surrounds the scripts of a site, for one crawl: included files, heads of QVDs and data connections. Each is looked at
 * once, and what is learnt of it in one crawl stays the same.
 */
export class Lookups {
  readonly #files: SiteFiles | undefined;
  readonly #connections: () => ReadonlyMap<string, ConnectionPlace>;
  readonly #marks = new Map<string, Promise<string | undefined>>();

  /** @param connections by name in lower case, as they are known when they are asked for */
  constructor(files: SiteFiles | undefined, connections: () => ReadonlyMap<string, ConnectionPlace>) {
    this.#files = files;
    this.#connections = connections;
  }

  /** Never fails: what cannot be had is not known. */
  async find(asked: Lookup): Promise<Found> {
    switch (asked.type) {
      case 'include': {
        const read = this.#files?.readsIncludes === true ? await this.#files.include(asked.path) : undefined;
        const isText =
          read?.type === 'read' && (!read.bytes.includes(0) || read.bytes[0] === 0xff || read.bytes[0] === 0xfe);
        return { type: 'include', text: isText ? decodeText(read.bytes) : undefined };
      }
      case 'columns':
        return { type: 'columns', columns: await this.#columns(asked) };
      case 'files':
        return { type: 'files', files: undefined };
      case 'connection': {
        const place = this.#connections().get(asked.name.toLowerCase());
        if (place === undefined) return { type: 'connection', facts: undefined };
        const { provider, driver, database, schema } = place.target;
        const facts = { type: place.type, provider: driver ?? provider, database, schema };
        return { type: 'connection', facts };
      }
      default:
        return asked satisfies never;
    }
  }

  /**
   * What tells this answer from another one: cheap, so that it can be asked of every app in every crawl. Undefined where that
   * cannot be told now, as of a share that does not answer.
   */
  mark(asked: Lookup): Promise<string | undefined> {
    const key = lookupKey(asked);
    const known = this.#marks.get(key) ?? this.#marked(asked);
    this.#marks.set(key, known);
    return known;
  }

  async #marked(asked: Lookup): Promise<string | undefined> {
    if (asked.type === 'include') return this.#files === undefined ? NOTHING : await this.#files.mark(asked.path);
    if (asked.type === 'connection') return this.#connectionMark(asked.name);
    const found = await this.find(asked);
    if (found.type === 'columns') return found.columns === undefined ? NOTHING : digestOf(found.columns);
    return found.type === 'files' && found.files !== undefined ? digestOf(found.files) : NOTHING;
  }

  /** Where a connection leads, and of which kind it is; not what else its row says. */
  #connectionMark(name: string): string {
    const place = this.#connections().get(name.toLowerCase());
    return place === undefined ? NOTHING : digestOf([place.type, place.target]);
  }

  /** Whether it is one file whose head would tell its columns, in a site whose QVDs can be read. */
  looksInto(source: Source): source is Extract<Source, { type: 'file' }> {
    return (
      this.#files?.readsQvds === true &&
      source.type === 'file' &&
      /\.qvd$/i.test(source.path) &&
      !/[*?]/.test(source.path)
    );
  }

  async #columns({ source }: Extract<Lookup, { type: 'columns' }>): Promise<readonly string[] | undefined> {
    return this.looksInto(source) ? await this.#files?.qvdColumns(wholePath(source)) : undefined;
  }
}
