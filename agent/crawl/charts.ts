import type { PropertyEntry } from '#agent/qlik/engine/calls.ts';
import { type JsonObject, present } from './attributes.ts';
import { chartFacts, tabsOf } from './chart-facts.ts';
import { columnFacts, columnName } from './column-facts.ts';
import { type Definition, definitionsIn, libraryItemsIn } from './definitions.ts';
import { writeDerives } from './derives.ts';
import type { FieldNames } from './field-names.ts';
import { type Keys, numbered } from './keys.ts';
import { isTree, listAt, numberAt, type Tree, textAt, textsAt, treeAt } from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** What charts of an app may refer to: edges lead only to master items that exist. */
export interface MasterItems {
  readonly dimensions: ReadonlyMap<string, string>;
  readonly measures: ReadonlyMap<string, string>;
  readonly visualizations: ReadonlyMap<string, string>;
  /** Keys of the site's extensions by name. */
  readonly extensions: ReadonlyMap<string, string>;
}

/** Writes charts with their dimensions and measures into the scope of their app. */
export class ChartWriter {
  readonly #out: ScopeWriter;
  readonly #keys: Keys;
  readonly #appId: string;
  readonly #masters: MasterItems;
  readonly #names: FieldNames;

  constructor(out: ScopeWriter, keys: Keys, appId: string, masters: MasterItems, names: FieldNames) {
    this.#out = out;
    this.#keys = keys;
    this.#appId = appId;
    this.#masters = masters;
    this.#names = names;
  }

  /** Every object below `entry` (a sheet or a container), whose asset is `parent`. */
  async children(entry: PropertyEntry, parent: string, depth = 0): Promise<void> {
    if (depth > 64) return;
    const cells = cellsOf(entry.qProperty);
    const tabs = tabsOf(entry.qProperty);
    for (const child of entry.qChildren ?? []) {
      const id = textAt(treeAt(child.qProperty, 'qInfo'), 'qId');
      if (id === '') continue;
      const tab = tabs.get(id) ?? tabs.get(textAt(child.qProperty, 'containerChildId'));
      const place = present({ cell: cells.get(id), tab });
      const key = await this.#chart(id, child.qProperty, parent, place);
      await this.children(child, key, depth + 1);
    }
  }

  /** The dimensions and measures in the properties of a chart or master visualization, whose asset is `parent`. */
  async definitions(properties: Tree, id: string, parent: string): Promise<void> {
    const unique = { d: numbered(), m: numbered() };
    const columns = definitionsIn(properties).map((definition) => {
      const library = textAt(definition.entry, 'qLibraryId');
      const items = definition.side === 'd' ? this.#masters.dimensions : this.#masters.measures;
      return {
        definition,
        library,
        known: items.has(library),
        name: columnName(definition) || items.get(library) || '',
      };
    });
    // A column may be named in the expressions of the others.
    const named = new Map(columns.map(({ name, definition }) => [name, definitionText(definition)]));
    named.delete('');
    for (const item of libraryItemsIn(properties))
      if (this.#masters.dimensions.has(item) || this.#masters.measures.has(item))
        await this.#out.edge('uses', parent, this.#keys.of(this.#appId, item));
    for (const { definition, library, known, name } of columns) {
      const { side } = definition;
      const key = this.#keys.of(this.#appId, id, side, unique[side](definition.id));
      const { facts, named: uses } = columnFacts(definition, this.#names, named);
      await this.#out.asset({
        kind: side === 'd' ? 'chartDimension' : 'chartMeasure',
        key,
        name,
        parent,
        attributes: facts,
      });
      const used = new Set(known ? [library] : []);
      if (side === 'm') for (const item of uses.measures) used.add(item);
      for (const item of used) await this.#out.edge('uses', key, this.#keys.of(this.#appId, item));
      await writeDerives(this.#out, this.#keys, this.#appId, key, uses);
    }
  }

  /** The edge to the extension that draws a chart or master visualization, where one does. */
  async drawnBy(properties: Tree, key: string): Promise<void> {
    const extension = this.#masters.extensions.get(textAt(properties, 'visualization'));
    if (extension !== undefined) await this.#out.edge('uses', key, extension);
  }

  async #chart(id: string, properties: Tree, parent: string, place: JsonObject): Promise<string> {
    const key = this.#keys.of(this.#appId, id);
    const master = textAt(properties, 'qExtendsId');
    const title = textAt(properties, 'title');
    const { facts, named } = chartFacts(properties, this.#names);
    await this.#out.asset({
      kind: 'chart',
      key,
      name: title || (this.#masters.visualizations.get(master) ?? ''),
      parent,
      attributes: present({ ...facts, extends: master, ...place }),
    });
    if (this.#masters.visualizations.has(master)) {
      await this.#out.edge('uses', key, this.#keys.of(this.#appId, master));
    }
    await this.drawnBy(properties, key);
    await writeDerives(this.#out, this.#keys, this.#appId, key, named);
    await this.definitions(properties, id, key);
    return key;
  }
}

/** The grid cells of a sheet, by the id of the object that stands in each. */
export const cellsOf = (properties: Tree): ReadonlyMap<string, JsonObject> => {
  const cells = new Map<string, JsonObject>();
  for (const cell of listAt(properties, 'cells')) {
    if (!isTree(cell)) continue;
    cells.set(
      textAt(cell, 'name'),
      present({
        column: numberAt(cell, 'col'),
        row: numberAt(cell, 'row'),
        columns: numberAt(cell, 'colspan'),
        rows: numberAt(cell, 'rowspan'),
        type: textAt(cell, 'type'),
      }),
    );
  }
  return cells;
};

const definitionText = ({ side, entry }: Definition): string =>
  side === 'm' ? textAt(entry['qDef'], 'qDef') : (textsAt(entry['qDef'], 'qFieldDefs')[0] ?? '');
