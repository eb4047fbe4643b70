import type { App, AppContent, EngineObject, Field, Table, Variable } from './types.ts';

/** How much of each evil there is. */
export interface HostileScale {
  readonly scriptBytes: number;
  readonly fields: number;
  readonly objects: number;
}

/** A text that is longer than anybody types, and not the same character throughout. */
export const longName = (what: string): string => `${what} ${'Umsatz – Ertrag '.repeat(6_250)}`.slice(0, 100_000);

/** Half of a character, and what no database holds. */
export const BROKEN = { high: 'half \uD83D of it', low: '\uDE00 the other half', nul: 'before\u0000after' } as const;

export const TREE_DEPTH = 60;

const EMPTY: AppContent = {
  script: '',
  sheets: [],
  stories: [],
  masterDimensions: [],
  masterMeasures: [],
  masterVisualizations: [],
  bookmarks: [],
  others: [],
  variables: [],
  tables: [],
  fields: [],
  lineage: [],
  provenance: { fields: [], stores: [], reads: [], includes: [] },
};

type Properties = Readonly<Record<string, unknown>>;

const objectOf = (
  app: App,
  qType: string,
  qId: string,
  properties: Properties,
  children: readonly EngineObject[] = [],
): EngineObject => ({
  qId,
  qType,
  repositoryId: null,
  properties: { qInfo: { qId, qType }, ...properties },
  children,
  ownerId: app.ownerId,
  approved: false,
  published: app.published,
  createdDate: app.createdDate,
  modifiedDate: app.modifiedDate,
});

const cube = (dimension: string, measure: string): Properties => ({
  qDimensions: [{ qDef: { qFieldDefs: [dimension], qFieldLabels: [''], qGrouping: 'N', cId: 'd' } }],
  qMeasures: [{ qDef: { qDef: measure, qLabel: '', cId: 'm' } }],
});

const chartOf = (app: App, qId: string, title: string, more: Properties = {}, children: readonly EngineObject[] = []) =>
  objectOf(
    app,
    children.length > 0 ? 'container' : 'barchart',
    qId,
    {
      visualization: children.length > 0 ? 'container' : 'barchart',
      title,
      ...(children.length > 0 ? {} : { qHyperCubeDef: cube('Region', 'Sum(Amount)') }),
      ...more,
    },
    children,
  );

const sheetOf = (app: App, qId: string, title: string, children: readonly EngineObject[], more: Properties = {}) =>
  objectOf(
    app,
    'sheet',
    qId,
    {
      qMetaDef: { title, description: '' },
      rank: 0,
      columns: 24,
      rows: 12,
      cells: children.map((child, index) => ({
        name: child.qId,
        type: child.qType,
        col: index % 24,
        row: Math.floor(index / 24),
        colspan: 1,
        rowspan: 1,
      })),
      ...more,
    },
    children,
  );

const fieldOf = (name: string, srcTables: readonly string[]): Field => ({
  name,
  srcTables,
  cardinal: 7,
  totalCount: 70,
  byteSize: 64,
  isSystem: false,
  isHidden: false,
  isSemantic: false,
  isNumeric: true,
  isLocked: false,
  comment: '',
  tags: ['$numeric', '$integer'],
});

const tableOf = (name: string, fieldNames: readonly string[]): Table => ({
  name,
  rows: 70,
  byteSize: 4_096,
  isSystem: false,
  isSemantic: false,
  isLoose: false,
  comment: '',
  fieldNames,
});

const variableOf = (qId: string, name: string, definition: string): Variable => ({
  qId,
  name,
  definition,
  comment: '',
  isScriptCreated: false,
  isReserved: false,
  isConfig: false,
  tags: [],
  value: '',
});

/** What real apps have besides: a script, a table, a sheet; so that an app shows whether the rest of it came. */
const rest = (app: App): AppContent => ({
  ...EMPTY,
  script:
    "///$tab Main\r\nSET ThousandSep='.';\r\n///$tab Facts\r\nLOAD Region, Amount FROM [lib://QVD/facts.qvd] (qvd);\r\n",
  sheets: [sheetOf(app, 'plain', 'A plain sheet', [chartOf(app, 'plainChart', 'A plain chart')])],
  variables: [variableOf('vPlain', 'vPlain', '=1+1')],
  tables: [tableOf('facts', ['Region', 'Amount'])],
  fields: [fieldOf('Region', ['facts']), fieldOf('Amount', ['facts'])],
});

const longNames = (app: App): AppContent => {
  const plain = rest(app);
  const name = longName('sheet');
  return {
    ...plain,
    sheets: [
      ...plain.sheets,
      sheetOf(app, 'long', name, [
        chartOf(app, 'longChart', longName('chart'), {
          qHyperCubeDef: cube(longName('[dimension]'), `Sum([${longName('measure')}])`),
        }),
      ]),
    ],
    variables: [...plain.variables, variableOf('vLong', longName('v'), longName('=1'))],
    tables: [...plain.tables, tableOf(longName('table'), [longName('field')])],
    fields: [...plain.fields, fieldOf(longName('field'), [longName('table')])],
  };
};

const wideSheet = (app: App, { objects }: HostileScale): AppContent => {
  const plain = rest(app);
  const charts = Array.from({ length: objects }, (_, n) => chartOf(app, `wide${n}`, `Chart ${n}`));
  return { ...plain, sheets: [...plain.sheets, sheetOf(app, 'wide', 'A sheet with everything', charts)] };
};

const deepTree = (app: App): AppContent => {
  const plain = rest(app);
  let inner = chartOf(app, `deep${TREE_DEPTH}`, 'The innermost');
  for (let depth = TREE_DEPTH - 1; depth >= 1; depth--)
    inner = chartOf(app, `deep${depth}`, `Container ${depth}`, {}, [inner]);
  return { ...plain, sheets: [...plain.sheets, sheetOf(app, 'deep', 'A deep sheet', [inner])] };
};

/** Masters that extend each other and themselves, charts that extend themselves, one another, and what is not there. */
const circles = (app: App): AppContent => {
  const plain = rest(app);
  const master = (qId: string, extended: string): EngineObject =>
    objectOf(app, 'masterobject', qId, {
      visualization: 'barchart',
      qMetaDef: { title: `Master ${qId}`, description: '' },
      qExtendsId: extended,
      qHyperCubeDef: cube('Region', 'Sum(Amount)'),
    });
  const extending = (qId: string, extended: string): EngineObject =>
    chartOf(app, qId, `Extends ${extended}`, { qExtendsId: extended });
  return {
    ...plain,
    masterVisualizations: [master('circleA', 'circleB'), master('circleB', 'circleA'), master('circleC', 'circleC')],
    sheets: [
      ...plain.sheets,
      sheetOf(app, 'circles', 'Circles', [
        extending('self', 'self'),
        extending('one', 'two'),
        extending('two', 'one'),
        extending('ofA', 'circleA'),
        extending('ofNothing', 'deletedLongAgo'),
      ]),
    ],
  };
};

/** Cells name objects that are not there, a child has no properties but its id, and the library lost what is used. */
const missingChildren = (app: App): AppContent => {
  const plain = rest(app);
  const bare = objectOf(app, 'barchart', 'bare', {});
  const orphan = chartOf(app, 'orphan', 'Uses what was deleted', {
    qHyperCubeDef: {
      qDimensions: [{ qLibraryId: 'deletedDimension', qDef: {} }, null, 17],
      qMeasures: [{ qLibraryId: 'deletedMeasure' }],
    },
  });
  return {
    ...plain,
    sheets: [
      ...plain.sheets,
      sheetOf(app, 'lost', 'Lost children', [bare, orphan], {
        cells: [{ name: 'neverThere', type: 'barchart', col: 0, row: 0 }, null, 'text', { name: 5 }],
      }),
    ],
  };
};

const brokenTexts = (app: App): AppContent => {
  const plain = rest(app);
  return {
    ...plain,
    script: `///$tab ${BROKEN.high}\r\nLET v = '${BROKEN.nul}';\r\n`,
    sheets: [
      ...plain.sheets,
      sheetOf(app, 'broken', BROKEN.high, [
        chartOf(app, 'brokenChart', BROKEN.low, { subtitle: BROKEN.nul, qHyperCubeDef: cube(BROKEN.low, BROKEN.nul) }),
      ]),
    ],
    variables: [...plain.variables, variableOf('vBroken', BROKEN.nul, BROKEN.high)],
    tables: [...plain.tables, tableOf(BROKEN.high, [BROKEN.low, BROKEN.nul])],
    fields: [...plain.fields, fieldOf(BROKEN.low, [BROKEN.high]), fieldOf(BROKEN.nul, [BROKEN.high])],
  };
};

const hugeScript = (app: App, { scriptBytes }: HostileScale): AppContent => {
  const plain = rest(app);
  const line = "LOAD Region, Amount FROM [lib://QVD/facts.qvd] (qvd) WHERE Region <> 'unknown';\r\n";
  return { ...plain, script: plain.script + line.repeat(Math.ceil(scriptBytes / line.length)) };
};

const manyFields = (app: App, { fields }: HostileScale): AppContent => {
  const plain = rest(app);
  const names = Array.from({ length: fields }, (_, n) => `Field ${n}`);
  return {
    ...plain,
    tables: [...plain.tables, tableOf('wide', names)],
    fields: [...plain.fields, ...names.map((name) => fieldOf(name, ['wide']))],
  };
};

/** The evils that lie in an app itself. */
export const HOSTILE_CONTENTS = {
  'long names': longNames,
  'wide sheet': wideSheet,
  'deep tree': deepTree,
  circles,
  'missing children': missingChildren,
  'broken texts': brokenTexts,
  'huge script': hugeScript,
  'many fields': manyFields,
  // Nothing is wrong inside: what happens to these comes from outside.
  'deleted while it is read': rest,
  'republished while it is read': rest,
  'storm of aborted calls': rest,
  'storm of a busy engine': rest,
  'garbage on the socket': rest,
  'page in place of the data model': rest,
  'data model cut off': rest,
} as const satisfies Readonly<Record<string, (app: App, scale: HostileScale) => AppContent>>;
