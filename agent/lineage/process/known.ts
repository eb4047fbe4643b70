import type { Surroundings } from '../result.ts';
import { type Found, type Lookup, lookupKey, type ScriptQuestion } from './messages.ts';

/** More than a script of any site asks for; what is asked beyond it stays unknown. */
const MOST_LOOKUPS = 5_000;

/**
 * The surroundings of one script in a process that cannot wait for an answer in the middle of its work: what is not known
 * is noted, the script goes on without it, and is interpreted again when the answers have come.
 */
export class Known {
  readonly #found = new Map<string, Found>();
  readonly #asked = new Map<string, Lookup>();
  readonly surroundings: Surroundings;

  constructor({ variables, model }: Pick<ScriptQuestion, 'variables' | 'model'>) {
    this.surroundings = {
      include: (path) => {
        const found = this.#look({ type: 'include', path });
        return found?.type === 'include' ? found.text : undefined;
      },
      columns: (source) => {
        const found = this.#look({ type: 'columns', source });
        return found?.type === 'columns' ? found.columns : undefined;
      },
      files: (pattern) => {
        const found = this.#look({ type: 'files', pattern });
        return found?.type === 'files' ? found.files : undefined;
      },
      connection: (name) => {
        const found = this.#look({ type: 'connection', name });
        return found?.type === 'connection' ? found.facts : undefined;
      },
      variables,
      model,
    };
  }

  /** What was asked since the last call and is not known; nothing when there is nothing more to learn. */
  takeAsked(): readonly Lookup[] {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    return asked;
  }

  tell(found: readonly (readonly [Lookup, Found])[]): void {
    for (const [asked, answer] of found) this.#found.set(lookupKey(asked), answer);
  }

  /** All included scripts that are known. */
  *includes(): Generator<string> {
    for (const found of this.#found.values())
      if (found.type === 'include' && found.text !== undefined) yield found.text;
  }

  #look(asked: Lookup): Found | undefined {
    const key = lookupKey(asked);
    const found = this.#found.get(key);
    if (found === undefined && this.#found.size + this.#asked.size < MOST_LOOKUPS) this.#asked.set(key, asked);
    return found;
  }
}
