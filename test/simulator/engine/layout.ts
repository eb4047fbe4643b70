/** From properties to layouts, to effective properties, and to property trees. */
import type { EngineObject } from '../model/types.ts';
import type { DocumentView } from './document-view.ts';
import { evaluate } from './expression.ts';
import { hyperCube, listObject } from './hypercube.ts';
import { listOf } from './lists.ts';
import { objectMeta } from './meta.ts';
import { dataOf } from './pointer.ts';

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What of an object is only definition and has another name, or no place, in a layout. */
const SKIPPED = new Set(['qMetaDef', 'qChildListDef', 'qUndoExclude', 'qEmbeddedSnapshotDef']);

const staticUrl = (definition: Json): Json => {
  const url = definition['qUrl'];
  return typeof url === 'string' && url !== '' ? { qUrl: url } : {};
};

const transform = (properties: Json, view: DocumentView): Json => {
  const layout: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (SKIPPED.has(name)) continue;
    if (Array.isArray(value)) {
      layout[name] = value.map((item: unknown) => (isJson(item) ? transform(item, view) : item));
    } else if (!isJson(value)) {
      layout[name] = value;
    } else if (name === 'qHyperCubeDef') {
      layout['qHyperCube'] = hyperCube(value, view);
    } else if (name === 'qListObjectDef') {
      layout['qListObject'] = listObject(value, view);
    } else if (name === 'qStaticContentUrlDef') {
      layout['qStaticContentUrl'] = staticUrl(value);
    } else if (isJson(value['qStringExpression']) || typeof value['qStringExpression'] === 'string') {
      layout[name] = evaluate(expressionText(value['qStringExpression']), view.content).qText;
    } else if (isJson(value['qValueExpression']) || typeof value['qValueExpression'] === 'string') {
      layout[name] = evaluate(expressionText(value['qValueExpression']), view.content).qNumber;
    } else {
      const list = listOf(name, value, view);
      if (list) layout[list[0]] = list[1];
      else layout[name] = transform(value, view);
    }
  }
  return layout;
};

const expressionText = (expression: unknown): string =>
  isJson(expression) ? String(expression['qExpr'] ?? '') : String(expression);

/** Properties with those of the master visualization that they extend underneath. */
export const effectiveProperties = (properties: Json, view: DocumentView): Json => {
  const masterId = properties['qExtendsId'];
  const master = typeof masterId === 'string' && masterId !== '' ? view.index.objects.get(masterId)?.object : undefined;
  return master ? { ...master.properties, ...properties } : properties;
};

const childItems = (definition: Json, children: readonly EngineObject[], view: DocumentView): readonly Json[] =>
  children.map((child) => ({
    qInfo: { qId: child.qId, qType: child.qType },
    qMeta: { privileges: ['read'] },
    qData: dataOf(definition['qData'], effectiveProperties(child.properties, view), view.textListsEmpty),
  }));

/** The layout of a persisted object. */
export const objectLayout = (object: EngineObject, view: DocumentView): Json => {
  const properties = effectiveProperties(object.properties, view);
  const childList = properties['qChildListDef'];
  return {
    ...transform(properties, view),
    qInfo: { qId: object.qId, qType: object.qType },
    qMeta: objectMeta(view.site, view.app, object),
    qSelectionInfo: {},
    ...(isJson(childList) ? { qChildList: { qItems: childItems(childList, object.children, view) } } : {}),
  };
};

/** The layout of an object that lives in the session only. */
export const sessionLayout = (properties: Json, view: DocumentView): Json => ({
  ...transform(effectiveProperties(properties, view), view),
  qMeta: { privileges: ['read', 'update', 'delete', 'exportdata'] },
  qSelectionInfo: {},
});

/** `GetFullPropertyTree`: the object with everything below it. */
export const propertyTree = (object: EngineObject): Json => ({
  qProperty: object.properties,
  qChildren: object.children.map(propertyTree),
  qEmbeddedSnapshotRef: null,
});
