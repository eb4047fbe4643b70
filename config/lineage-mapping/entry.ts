import type { Place, ScalarTree, Tree } from '../tree.ts';

/** Tells what is wrong at a place, and what to do. */
export type Report = (at: Place, message: string, advice: string) => void;

const MOST_TEXT = 2_000;

/** An object of the mapping file that is read key by key; what does not fit is told with its place. */
export class Entry {
  readonly #tree: Tree;
  readonly #what: string;
  readonly #report: Report;

  constructor(tree: Tree, what: string, report: Report) {
    this.#tree = tree;
    this.#what = what;
    this.#report = report;
    if (tree.type !== 'object')
      report(tree.at, `${what} must be an object.`, 'Write { key = "value" }; the README shows a whole file.');
  }

  get line(): number {
    return this.#tree.at.line;
  }

  /** Tells of every key but these. */
  only(names: readonly string[]): void {
    if (this.#tree.type !== 'object') return;
    for (const [name, { at }] of this.#tree.entries)
      if (!names.includes(name))
        this.#report(at, `${this.#what} has no such key: ${name}.`, `It has ${names.join(', ')}.`);
  }

  tree(name: string): Tree | undefined {
    const found = this.#tree.type === 'object' ? this.#tree.entries.get(name) : undefined;
    return found?.type === 'scalar' && (found.value === null || found.text.trim() === '') ? undefined : found;
  }

  /** The objects of a list; an object alone is a list of one. */
  list(name: string): readonly Entry[] {
    const found = this.tree(name);
    if (found === undefined) return [];
    const items = found.type === 'list' ? found.items : [found];
    return items.map((item) => new Entry(item, `An entry of ${name}`, this.#report));
  }

  /** A text that must be there. */
  text(name: string, example: string): string | undefined {
    const found = this.optional(name);
    if (found === undefined && this.#tree.type === 'object' && this.tree(name) === undefined)
      this.#report(this.#tree.at, `${this.#what} has no ${name}.`, `Write ${name} = "${example}", for instance.`);
    return found;
  }

  optional(name: string): string | undefined {
    const found = this.tree(name);
    return found === undefined ? undefined : this.#scalar(found, name);
  }

  /** All keys with their values, which must be texts. */
  texts(): readonly (readonly [string, string])[] {
    if (this.#tree.type !== 'object') return [];
    return [...this.#tree.entries].flatMap(([name, value]) => {
      if (value.type === 'scalar' && (value.value === null || value.text === '')) return [];
      const text = this.#scalar(value, name);
      return text === undefined ? [] : [[name, text] as const];
    });
  }

  wrong(name: string, message: string, advice: string): void {
    const at: Place = this.tree(name)?.at ?? this.#tree.at;
    this.#report(at, message, advice);
  }

  #scalar(found: Tree, name: string): string | undefined {
    if (found.type !== 'scalar') {
      this.#report(found.at, `The value must be a text here.`, 'Write it in double quotes.');
      return undefined;
    }
    const { text }: ScalarTree = found;
    if (text.length <= MOST_TEXT) return text.trim();
    this.wrong(name, `The text is longer than ${MOST_TEXT} characters.`, 'Write a shorter one.');
    return undefined;
  }
}
