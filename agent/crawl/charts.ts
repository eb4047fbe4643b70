import type { PropertyEntry } from '#agent/qlik/engine/calls.ts';
import { type JsonObject, present } from './attributes.ts';
import { type Definition, definitionsIn } from './definitions.ts';
import { type Keys, numbered } from './keys.ts';
import {
  groupingAt,
  isTree,
  listAt,
  numberAt,
  numberFormatOf,
  type Tree,
  textAt,
  textsAt,
  treeAt,
} from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** What charts of an app may refer to: edges lead only to master items that exist. */
export interface MasterItems {
  readonly dimensions: ReadonlyMap<string, string>;
  readonly measures: ReadonlyMap<string, string>;
  readonly visualizations: ReadonlyMap<string, string>;
}

/** Writes charts with their dimensions and measures into the scope of their app. */
export class ChartWriter {
  readonly #out: ScopeWriter;
  readonly #keys: Keys;
  readonly #appId: string;
  readonly #masters: MasterItems;

  constructor(out: ScopeWriter, keys: Keys, appId: string, masters: MasterItems) {
    this.#out = out;
    this.#keys = keys;
    this.#appId = appId;
    this.#masters = masters;
  }

  /** Every object below `entry` (a sheet or a container), whose asset is `parent`. */
  async children(entry: PropertyEntry, parent: string, depth = 0): Promise<void> {
    if (depth > 64) return;
    const cells = cellsOf(entry.qProperty);
    for (const child of entry.qChildren ?? []) {
      const id = textAt(treeAt(child.qProperty, 'qInfo'), 'qId');
      if (id === '') continue;
      const key = await this.#chart(id, child.qProperty, parent, cells.get(id));
      await this.children(child, key, depth + 1);
    }
  }

  /** The dimensions and measures in the properties of a chart or master visualization, whose asset is `parent`. */
  async definitions(properties: Tree, id: string, parent: string): Promise<void> {
    const unique = { d: numbered(), m: numbered() };
    for (const definition of definitionsIn(properties)) {
      const { side } = definition;
      const key = this.#keys.of(this.#appId, id, side, unique[side](definition.id));
      const library = textAt(definition.entry, 'qLibraryId');
      const items = side === 'd' ? this.#masters.dimensions : this.#masters.measures;
      const name = nameOf(definition) || items.get(library) || '';
      await this.#out.asset({
        kind: side === 'd' ? 'chartDimension' : 'chartMeasure',
        key,
        name,
        parent,
        attributes: side === 'd' ? dimensionOf(definition.entry) : measureOf(definition.entry),
      });
      if (items.has(library)) await this.#out.edge('uses', key, this.#keys.of(this.#appId, library));
    }
  }

  async #chart(id: string, properties: Tree, parent: string, cell: JsonObject | undefined): Promise<string> {
    const key = this.#keys.of(this.#appId, id);
    const master = textAt(properties, 'qExtendsId');
    const title = textAt(properties, 'title');
    await this.#out.asset({
      kind: 'chart',
      key,
      name: title || (this.#masters.visualizations.get(master) ?? ''),
      parent,
      attributes: present({
        type: textAt(properties, 'visualization') || textAt(treeAt(properties, 'qInfo'), 'qType'),
        title,
        subtitle: textAt(properties, 'subtitle'),
        footnote: textAt(properties, 'footnote'),
        orientation: textAt(properties, 'orientation'),
        state: textAt(properties, 'qStateName'),
        extends: master,
        cell,
      }),
    });
    if (this.#masters.visualizations.has(master)) {
      await this.#out.edge('uses', key, this.#keys.of(this.#appId, master));
    }
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
      }),
    );
  }
  return cells;
};

const nameOf = ({ side, entry }: Definition): string => {
  const inner = entry['qDef'];
  if (side === 'm') return textAt(inner, 'qLabel') || textAt(inner, 'qDef');
  return textsAt(inner, 'qFieldLabels').find((label) => label !== '') ?? textsAt(inner, 'qFieldDefs')[0] ?? '';
};

const dimensionOf = (entry: Tree): JsonObject => {
  const inner = entry['qDef'];
  const grouping = groupingAt(inner);
  return present({
    libraryId: textAt(entry, 'qLibraryId'),
    label: textsAt(inner, 'qFieldLabels').find((label) => label !== ''),
    labelExpression: textAt(inner, 'qLabelExpression'),
    fields: textsAt(inner, 'qFieldDefs'),
    grouping: grouping === 'single' ? undefined : grouping,
    condition: textAt(treeAt(entry, 'qCalcCondition', 'qCond'), 'qv') || textAt(treeAt(entry, 'qCalcCond'), 'qv'),
    attributeExpressions: attributeExpressions(entry),
  });
};

const measureOf = (entry: Tree): JsonObject => {
  const inner = entry['qDef'];
  return present({
    libraryId: textAt(entry, 'qLibraryId'),
    label: textAt(inner, 'qLabel'),
    labelExpression: textAt(inner, 'qLabelExpression'),
    expression: textAt(inner, 'qDef'),
    numberFormat: numberFormatOf(inner),
    condition: textAt(treeAt(entry, 'qCalcCondition', 'qCond'), 'qv') || textAt(treeAt(entry, 'qCalcCond'), 'qv'),
    attributeExpressions: attributeExpressions(entry),
  });
};

/** Colours and the like by expression: they use fields too. */
const attributeExpressions = (entry: Tree): string[] =>
  listAt(entry, 'qAttributeExpressions')
    .map((expression) => textAt(expression, 'qExpression'))
    .filter((expression) => expression !== '');
