import { createHash } from 'node:crypto';
import { expanded } from '#agent/lineage/expression/expansion.ts';
import { type Include, type ScriptContents, scriptContents } from '#agent/lineage/script/contents.ts';
import { decodeText } from '#agent/lineage/text/decode.ts';
import type { VariableEntry } from '#agent/qlik/engine/calls.ts';
import { redactText, type SecretPlace, secretPlaces } from '#config/redaction/rules.ts';
import { type JsonObject, present } from './attributes.ts';
import type { SiteFiles } from './site-files.ts';

/** A script that another includes. */
export interface IncludedScript {
  /** As written where it was included first, expanded as far as that goes. */
  readonly path: string;
  /** Without secrets. */
  readonly text: string;
  readonly sizeBytes: number;
  readonly modified: string;
  readonly sha256: string;
  readonly contents: ScriptContents;
  readonly credentials: readonly SecretPlace[];
  /** What it includes itself. */
  readonly includes: readonly JsonObject[];
}

const DEEPEST = 6;
const MOST_FILES = 100;
/** Of all that one app includes: each is looked into and sent with every app that includes it. */
const MOST_TEXT_BYTES = 8 * 1024 * 1024;
const MOST_PATH = 2_000;

/**
 * Follows what a script includes into the folders that the agent can read, and on from there. An include that cannot be
 * followed is told with the reason; none is ever guessed.
 */
export class Includes {
  readonly #files: SiteFiles | undefined;
  /** All that was looked for, found or not. */
  readonly asked = new Set<string>();
  readonly #variables: ReadonlyMap<string, string>;
  #bytes = 0;
  /** In the order in which they were found, each file once, by its path. */
  readonly scripts = new Map<string, IncludedScript>();

  constructor(files: SiteFiles | undefined, variables: readonly VariableEntry[]) {
    this.#files = files?.readsIncludes === true ? files : undefined;
    this.#variables = new Map(
      variables.flatMap(({ qName, qDefinition = '' }) =>
        qDefinition.trimStart().startsWith('=') ? [] : [[qName, qDefinition] as const],
      ),
    );
  }

  /** The includes of a piece of script as attributes: where each leads, and what came of following it. */
  async follow(includes: readonly Include[], depth = 0): Promise<JsonObject[]> {
    const followed: JsonObject[] = [];
    for (const { path: written, must, line } of includes) {
      const path = this.#expanded(written);
      followed.push(
        present({
          path: written,
          resolved: path === written ? undefined : path,
          must: must || undefined,
          line,
          ...(this.#files === undefined ? {} : await this.#read(path, depth)),
        }),
      );
    }
    return followed;
  }

  async #read(path: string, depth: number): Promise<JsonObject> {
    if (this.#files === undefined || path.includes('$(')) return { state: 'unknown' };
    if (this.scripts.has(path)) return { state: 'read' };
    if (depth >= DEEPEST || this.scripts.size >= MOST_FILES) return { state: 'refused', why: 'too many includes' };
    this.asked.add(path);
    // Before it is read: one that changes meanwhile is another the next time.
    await this.#files.mark(path);
    const read = await this.#files.include(path);
    if (read.type === 'refused') return { state: 'refused', why: read.why };
    if (read.type !== 'read') return { state: read.type };
    this.#bytes += read.bytes.length;
    if (this.#bytes > MOST_TEXT_BYTES) return { state: 'refused', why: 'the includes of the app are too large' };
    const written = decodeText(read.bytes);
    if (written.includes('\0')) return { state: 'refused', why: 'it is no text' };
    const text = redactText(written);
    const contents = scriptContents(text);
    const script = {
      path,
      text,
      sizeBytes: read.bytes.length,
      modified: new Date(read.modifiedMs).toISOString(),
      sha256: createHash('sha256').update(text).digest('hex'),
      contents,
      credentials: secretPlaces(written),
      includes: [],
    };
    // First itself: one that includes itself is not read again.
    this.scripts.set(path, script);
    this.scripts.set(path, { ...script, includes: await this.follow(contents.includes, depth + 1) });
    return { state: 'read' };
  }

  /**
   * With the values that the variables had after the last reload, where these are plain texts. A variable may name itself
   * a hundred times: what grows beyond a path stays as it is written.
   */
  #expanded(path: string): string {
    const { text, unresolved } = expanded(path, (name) => this.#variables.get(name));
    // One that is known and could not be put in names itself, or is too long.
    return text.length > MOST_PATH || unresolved.some((name) => this.#variables.has(name)) ? path : text;
  }
}
