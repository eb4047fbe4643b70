import type { ContainerEntry, Properties, PropertyEntry } from '#agent/qlik/engine/calls.ts';
import { definitionsIn } from '../definitions.ts';
import { listAt, type Tree, textAt, textsAt, treeAt } from '../properties.ts';
import { type Glyph, kindOf } from './glyphs.ts';
import { gridOf, idOf, type Place, typeOf } from './grid.ts';
import { drawable } from './legible.ts';

/** Small real values of a chart, for who asked for them. */
export interface Values {
  /** Of the columns, dimensions first. */
  readonly names: readonly string[];
  readonly dimensions: number;
  readonly rows: readonly (readonly Value[])[];
  /** How many rows there are in all. */
  readonly total: number;
}
export interface Value {
  readonly text: string;
  /** Undefined for what is no number. */
  readonly number: number | undefined;
}

/** One object of a sheet as it is drawn; all texts are such that they may be. */
export interface Tile {
  readonly place: Place;
  readonly glyph: Glyph;
  readonly type: string;
  readonly title: string;
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
  /** What a container or filter pane holds. */
  readonly parts: readonly Part[];
  readonly moreParts: number;
  /** The sheet names it, and does not have it. */
  readonly absent: boolean;
  readonly values?: Values | undefined;
  /** The picture has real values: what is drawn of a chart without any must not look like some. */
  readonly withData: boolean;
}
export interface Part {
  readonly glyph: Glyph;
  readonly title: string;
  readonly label: string;
}

export interface SheetPlan {
  readonly title: string;
  readonly columns: number;
  readonly rows: number;
  readonly screenRows: number;
  readonly tiles: readonly Tile[];
  readonly omitted: number;
  readonly unplaced: number;
}

/** What a sheet's objects may refer to. */
export interface Library {
  readonly dimensions: ReadonlyMap<string, string>;
  readonly measures: ReadonlyMap<string, string>;
  readonly visualizations: ReadonlyMap<string, Properties>;
}

const MOST_PARTS = 12;
const MOST_DEFINITIONS = 12;

const titlesOf = (entries: readonly ContainerEntry[]): ReadonlyMap<string, string> =>
  new Map(
    entries.map(({ qInfo, qMeta, qData }) => [qInfo.qId, (qMeta?.title ?? '') || textAt(qData, 'title')] as const),
  );

/** From what a crawl reads of an app. */
export const libraryOf = (
  dimensions: readonly ContainerEntry[],
  measures: readonly ContainerEntry[],
  visualizations: readonly { readonly entry: ContainerEntry; readonly properties: Properties }[],
): Library => ({
  dimensions: titlesOf(dimensions),
  measures: titlesOf(measures),
  visualizations: new Map(
    visualizations.map(({ entry, properties }) => {
      const name = (entry.qMeta?.title ?? '') || textAt(entry.qData, 'title');
      return [entry.qInfo.qId, { ...properties, title: textAt(properties, 'title') || name }];
    }),
  ),
});

/** The properties that count: a chart that extends a master visualization has nearly all of its own there. */
export const effective = (properties: Tree, { visualizations }: Library): Tree => {
  const master = visualizations.get(textAt(properties, 'qExtendsId'));
  if (master === undefined) return properties;
  const own = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== ''));
  return { ...master, ...own };
};

/**
 * What is drawn of a sheet.
 *
 * @param values real values of charts by their ids, when there are any
 */
export const planSheet = (
  title: string,
  sheet: PropertyEntry,
  library: Library,
  values?: ReadonlyMap<string, Values>,
): SheetPlan => {
  const { cells, ...grid } = gridOf(sheet);
  return {
    ...grid,
    title: drawable(title),
    tiles: cells.map(({ entry, type, place }): Tile => {
      if (entry === undefined) {
        const { glyph, name } = kindOf(type);
        return { place, glyph, type: drawable(name), title: '', ...NOTHING, absent: true, withData: false };
      }
      const tile = tileOf(entry, place, library);
      return { ...tile, values: values?.get(idOf(entry)), withData: values !== undefined };
    }),
  };
};

const NOTHING = { dimensions: [], measures: [], parts: [], moreParts: 0 } as const;

const tileOf = (entry: PropertyEntry, place: Place, library: Library): Tile => {
  const properties = effective(entry.qProperty, library);
  const { glyph, name } = kindOf(typeOf(properties));
  const children = entry.qChildren ?? [];
  const base = {
    place,
    glyph,
    type: drawable(name),
    title: drawable(titleOf(properties, glyph)),
    absent: false,
    withData: false,
  };
  if (children.length > 0) {
    const labels = labelsOf(properties);
    return {
      ...base,
      ...NOTHING,
      parts: children.slice(0, MOST_PARTS).map((child, index) => partOf(child, labels[index] ?? '', library)),
      moreParts: Math.max(0, children.length - MOST_PARTS),
    };
  }
  const { dimensions, measures } = namesIn(properties, library);
  return { ...base, ...NOTHING, dimensions, measures };
};

const partOf = (child: PropertyEntry, label: string, library: Library): Part => {
  const properties = effective(child.qProperty, library);
  const { glyph, name } = kindOf(typeOf(properties));
  const { dimensions, measures } = namesIn(properties, library);
  const title = drawable(titleOf(properties, glyph)) || (dimensions[0] ?? measures[0] ?? drawable(name));
  return { glyph, title, label: drawable(label) };
};

/** Names of tabs, in the order of a container's objects. */
const labelsOf = (properties: Tree): readonly string[] => {
  const tabs = listAt(properties, 'children');
  return (tabs.length > 0 ? tabs : listAt(properties, 'objects')).map((tab) => textAt(tab, 'label'));
};

/** Texts and buttons say what they are about in the text itself. */
const titleOf = (properties: Tree, glyph: Glyph): string => {
  const title = textAt(properties, 'title');
  if (title !== '') return spoken(title);
  if (glyph === 'text') return plain(textAt(properties, 'markdown'));
  if (glyph === 'button') return textAt(treeAt(properties, 'style'), 'label') || textAt(properties, 'buttonLabel');
  if (glyph === 'input') return textAt(properties, 'variableName');
  return '';
};

/** Of a title that an expression makes, the words that it begins with: `='Sales in ' & Year(Today())`. */
const spoken = (title: string): string => {
  const [, found = ''] = /^=\s{0,20}'([^']{1,400})'/.exec(title) ?? [];
  const words = found.replace(/[\s:–-]+$/, '');
  return /\p{L}/u.test(words) ? `${words} …` : title;
};

/** Markdown without its marks. */
const plain = (markdown: string): string =>
  markdown
    .slice(0, 2_000)
    .replace(/!?\[([^\]]{0,200})\]\([^)]{0,500}\)/g, '$1')
    .replace(/[*_#`>|]+/g, '');

const namesIn = (properties: Tree, library: Library): { dimensions: string[]; measures: string[] } => {
  const dimensions: string[] = [];
  const measures: string[] = [];
  for (const { side, entry } of definitionsIn(properties)) {
    const names = side === 'd' ? dimensions : measures;
    if (names.length >= MOST_DEFINITIONS) continue;
    const inner = entry['qDef'];
    const items = side === 'd' ? library.dimensions : library.measures;
    const own =
      side === 'd'
        ? (textsAt(inner, 'qFieldLabels').find((label) => label !== '') ?? textsAt(inner, 'qFieldDefs')[0] ?? '')
        : textAt(inner, 'qLabel') || textAt(inner, 'qDef');
    const name = drawable(own || (items.get(textAt(entry, 'qLibraryId')) ?? '')).replace(/^=\s*/, '');
    if (name !== '' && !names.includes(name)) names.push(name);
  }
  return { dimensions, measures };
};
