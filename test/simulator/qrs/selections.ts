import type { Json } from './answer.ts';

export interface SelectedItem {
  readonly type: string;
  readonly objectID: string;
}

export interface Selection {
  readonly id: string;
  readonly items: readonly SelectedItem[];
}

const MAX_SELECTIONS = 200;

/** The selections that clients made; the oldest goes when there are too many. */
export class Selections {
  readonly #kept = new Map<string, Selection>();
  #made = 0;

  create(items: readonly SelectedItem[]): Selection {
    this.#made += 1;
    const id = `5e1ec710-0000-4000-8000-${this.#made.toString(16).padStart(12, '0')}`;
    const selection = { id, items };
    this.#kept.set(id, selection);
    if (this.#kept.size > MAX_SELECTIONS) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return selection;
  }

  get(id: string): Selection | undefined {
    return this.#kept.get(id);
  }

  delete(id: string): boolean {
    return this.#kept.delete(id);
  }
}

export const selectionJson = ({ id, items }: Selection): Json => ({
  id,
  items: items.map(({ type, objectID }) => ({ type, objectID, schemaPath: 'SelectionItem' })),
  privileges: null,
  schemaPath: 'Selection',
});
