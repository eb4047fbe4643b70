/** The lists that session objects hold: sheets, master items, variables, bookmarks, fields. */
import type { EngineObject, Variable } from '../model/types.ts';
import type { DocumentView } from './document-view.ts';
import { stateCounts } from './hypercube.ts';
import { objectMeta } from './meta.ts';
import { dataOf } from './pointer.ts';
import { valueText } from './selections.ts';

type Json = Readonly<Record<string, unknown>>;

const itemOf = (object: EngineObject, definition: Json, view: DocumentView): Json => ({
  qInfo: { qId: object.qId, qType: object.qType },
  qMeta: objectMeta(view.site, view.app, object),
  qData: dataOf(definition['qData'], object.properties, view.textListsEmpty),
});

/** Properties of a variable as `GetProperties` answers them. */
export const variableProperties = (variable: Variable): Json => ({
  qInfo: { qId: variable.qId, qType: 'variable' },
  qMetaDef: {},
  qName: variable.name,
  qComment: variable.comment,
  qNumberPresentation: { qType: 'U', qnDec: 10, qUseThou: 0 },
  qIncludeInBookmark: false,
  qDefinition: variable.definition,
  tags: variable.tags,
});

const variableItem = (variable: Variable, data: unknown, textListsEmpty: boolean): Json => ({
  qName: variable.name,
  qDefinition: variable.definition,
  qMeta: { privileges: ['read'] },
  qInfo: { qId: variable.qId, qType: 'variable' },
  qData: dataOf(data, variableProperties(variable), textListsEmpty),
  ...(variable.comment === '' ? {} : { qDescription: variable.comment }),
  ...(variable.isScriptCreated ? { qIsScriptCreated: true } : {}),
  ...(variable.isReserved ? { qIsReserved: true } : {}),
  ...(variable.isConfig ? { qIsConfig: true } : {}),
});

/** Reserved and configuration variables are left out unless the definition wants them. */
export const variablesOf = (definition: Json, view: DocumentView): readonly Json[] =>
  view.content.variables
    .filter((variable) => definition['qShowReserved'] === true || !variable.isReserved)
    .filter((variable) => definition['qShowConfig'] === true || !variable.isConfig)
    .map((variable) => variableItem(variable, definition['qData'], view.textListsEmpty));

/** An empty type means every object; children of sheets are never listed. */
export const objectsOf = (definition: Json, view: DocumentView): readonly Json[] => {
  const type = String(definition['qType'] ?? '');
  return view.index.roots
    .filter((object) => type === '' || object.qType === type)
    .map((object) => itemOf(object, definition, view));
};

/** Bookmarks, unless other types are asked for; snapshots are one. */
export const bookmarksOf = (types: readonly string[], definition: Json, view: DocumentView): readonly Json[] => {
  const wanted = types.filter((type) => type !== '');
  return [...view.index.bookmarks.values()]
    .filter((object) => (wanted.length === 0 ? object.qType === 'bookmark' : wanted.includes(object.qType)))
    .map((object) => itemOf(object, definition, view));
};

/** There are no fields in an app that was opened without data. */
const fieldsOf = (definition: Json, view: DocumentView): readonly Json[] => {
  if (!view.withData) return [];
  const asked = (name: string): boolean => definition[name] === true;
  return view.content.fields
    .filter((field) => asked('qShowSystem') || !field.isSystem)
    .filter((field) => asked('qShowHidden') || !field.isHidden)
    .filter((field) => asked('qShowSemantic') || !field.isSemantic)
    .map((field) => ({
      qName: field.name,
      qCardinal: field.cardinal,
      qTags: field.tags,
      ...(asked('qShowSrcTables') ? { qSrcTables: field.srcTables } : {}),
      ...(field.isSystem ? { qIsSystem: true } : {}),
      ...(field.isHidden ? { qIsHidden: true } : {}),
      ...(field.isSemantic ? { qIsSemantic: true } : {}),
      ...(field.isNumeric ? { qIsNumeric: true } : {}),
    }));
};

/** What is selected now, a row a field; up to six values are named. */
const selectionsOf = (view: DocumentView): readonly Json[] =>
  view.selections.fields.map((qField, qSortIndex) => {
    const elements = [...(view.selections.in(qField) ?? [])].sort((a, b) => a - b);
    const qTotal = view.content.fields.find((field) => field.name === qField)?.cardinal ?? 0;
    const texts = elements.map((element) => valueText(qField, element));
    const qSelected =
      texts.length === qTotal ? 'ALL' : texts.length > 6 ? `${texts.length} of ${qTotal}` : texts.join(', ');
    return {
      qTotal,
      qIsNum: false,
      qField,
      qReadableName: qField,
      qLocked: false,
      qOneAndOnlyOne: false,
      qTextSearch: '',
      qSelectedCount: texts.length,
      qSelected,
      qRangeInfo: [],
      qSortIndex,
      qStateCounts: stateCounts(qTotal, texts.length),
      qSelectedFieldSelectionInfo: texts.slice(0, 6).map((qName) => ({ qName })),
      qNotSelectedFieldSelectionInfo: [],
      qSelectionThreshold: 6,
    };
  });

/** The list of one kind that a definition's name stands for: what the layout calls it, and its items. */
export const listOf = (name: string, definition: Json, view: DocumentView): readonly [string, Json] | null => {
  switch (name) {
    case 'qAppObjectListDef':
      return ['qAppObjectList', { qItems: objectsOf(definition, view) }];
    case 'qMeasureListDef':
      return ['qMeasureList', { qItems: view.content.masterMeasures.map((o) => itemOf(o, definition, view)) }];
    case 'qDimensionListDef':
      return ['qDimensionList', { qItems: view.content.masterDimensions.map((o) => itemOf(o, definition, view)) }];
    case 'qBookmarkListDef':
      return ['qBookmarkList', { qItems: bookmarksOf([String(definition['qType'] ?? '')], definition, view) }];
    case 'qVariableListDef':
      return ['qVariableList', { qItems: variablesOf(definition, view) }];
    case 'qFieldListDef':
      return ['qFieldList', { qItems: fieldsOf(definition, view) }];
    case 'qMediaListDef':
      return ['qMediaList', { qItems: [] }];
    case 'qSelectionObjectDef':
      return ['qSelectionObject', { qBackCount: 0, qForwardCount: 0, qSelections: selectionsOf(view) }];
    case 'qUndoInfoDef':
      return ['qUndoInfo', { qUndoCount: 0, qRedoCount: 0 }];
    default:
      return null;
  }
};
