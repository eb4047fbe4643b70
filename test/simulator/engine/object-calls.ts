/** Calls on objects, master items, variables, bookmarks and fields. */
import type { EngineObject } from '../model/types.ts';
import type { DocumentView } from './document-view.ts';
import { EngineError } from './errors.ts';
import { type Held, type Json, NOTHING } from './held.ts';
import { listPagesOf, pagesOf } from './hypercube.ts';
import { effectiveProperties, objectLayout, propertyTree, sessionLayout } from './layout.ts';
import { variableProperties } from './lists.ts';
import { valueAt } from './pointer.ts';
import { selectionCall } from './selection-calls.ts';
import type { Call, Outputs } from './session.ts';

const json = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

const infoOf = (held: Held): Json => {
  switch (held.kind) {
    case 'session':
      return { qId: held.id, qType: held.type };
    case 'variable':
      return { qId: held.variable.qId, qType: 'variable' };
    case 'object':
    case 'dimension':
    case 'measure':
    case 'bookmark':
      return { qId: held.object.qId, qType: held.object.qType };
    case 'field':
    case 'global':
    case 'doc':
      return {};
    default:
      return held satisfies never;
  }
};

const propertiesOf = (held: Held): Json => {
  switch (held.kind) {
    case 'session':
      return held.properties;
    case 'variable':
      return variableProperties(held.variable);
    case 'object':
    case 'dimension':
    case 'measure':
    case 'bookmark':
      return held.object.properties;
    case 'field':
    case 'global':
    case 'doc':
      return {};
    default:
      return held satisfies never;
  }
};

const layoutOf = (held: Held, view: DocumentView): Json => {
  switch (held.kind) {
    case 'session':
      return sessionLayout(held.properties, view);
    case 'variable': {
      const number = Number(held.variable.value);
      const numeric = held.variable.value.trim() !== '' && Number.isFinite(number);
      return {
        qInfo: infoOf(held),
        qMeta: { privileges: ['read'] },
        qText: held.variable.value,
        qNum: numeric ? number : 'NaN',
        qIsScriptCreated: held.variable.isScriptCreated,
        tags: held.variable.tags,
      };
    }
    case 'object':
    case 'dimension':
    case 'measure':
    case 'bookmark':
      return objectLayout(held.object, view);
    case 'field':
    case 'global':
    case 'doc':
      return {};
    default:
      return held satisfies never;
  }
};

/** The persisted object behind a handle; session objects have no children here. */
const persisted = (held: Held): EngineObject | null =>
  held.kind === 'object' || held.kind === 'dimension' || held.kind === 'measure' || held.kind === 'bookmark'
    ? held.object
    : null;

const cubeAt = (held: Held, view: DocumentView, path: string): Json => {
  const properties = effectiveProperties(propertiesOf(held), view);
  const definition = valueAt(properties, path.replace(/^\/?/, '/'));
  if (typeof definition !== 'object' || definition === null) throw new EngineError(-32602, `qPath ${path}`);
  return definition as Json;
};

const relation = (call: Call, object: EngineObject | null | undefined): Outputs => ({
  qReturn: object ? call.session.hold({ kind: 'object', object }) : NOTHING,
});

/** Session objects are the client's own; nothing else may be written. */
const setProperties = (call: Call, held: Held, handle: number): Outputs => {
  if (held.kind !== 'session') throw new EngineError(5, 'The user may not change the app');
  call.session.replace(handle, { ...held, properties: { ...json(call.args['qProp']), qInfo: infoOf(held) } });
  return {};
};

/** @throws EngineError 17 for a method of the schema that is not played here, 5 for one that writes */
export function objectCall(call: Call, held: Held, handle: number): Outputs {
  const view = call.session.view();
  const selected = selectionCall(call, held, view, (path) => cubeAt(held, view, path));
  if (selected) return selected;
  switch (call.method) {
    case 'GetLayout':
      return { qLayout: layoutOf(held, view) };
    case 'GetProperties':
      return { qProp: propertiesOf(held) };
    case 'GetEffectiveProperties':
      return { qProp: effectiveProperties(propertiesOf(held), view) };
    case 'GetFullPropertyTree': {
      const object = persisted(held);
      return {
        qPropEntry: object
          ? propertyTree(object)
          : { qProperty: propertiesOf(held), qChildren: [], qEmbeddedSnapshotRef: null },
      };
    }
    case 'GetInfo':
      return { qInfo: infoOf(held) };
    case 'GetChildInfos':
      return { qInfos: (persisted(held)?.children ?? []).map(({ qId, qType }) => ({ qId, qType })) };
    case 'GetChild':
      return relation(
        call,
        persisted(held)?.children.find((child) => child.qId === call.args['qId']),
      );
    case 'GetParent':
      return relation(call, view.index.objects.get(persisted(held)?.qId ?? '')?.parent);
    case 'GetLinkedObjects':
      return { qItems: [] };
    case 'GetDimension':
      return { qDim: json(propertiesOf(held)['qDim']) };
    case 'GetMeasure':
      return { qMeasure: json(propertiesOf(held)['qMeasure']) };
    case 'GetRawContent':
      return { qReturn: held.kind === 'variable' ? held.variable.definition : '' };
    case 'GetActiveField':
      return { qReturn: 0 };
    case 'GetHyperCubeData':
    case 'GetHyperCubeReducedData':
      return { qDataPages: pagesOf(cubeAt(held, view, String(call.args['qPath'])), call.args['qPages'], view) };
    case 'GetListObjectData': {
      const definition = cubeAt(held, view, String(call.args['qPath']));
      return { qDataPages: listPagesOf(definition, call.args['qPages'], view) };
    }
    case 'GetCardinal': {
      const name = held.kind === 'field' ? held.name : '';
      return { qReturn: view.content.fields.find((field) => field.name === name)?.cardinal ?? 0 };
    }
    case 'GetNxProperties':
      return { qProperties: { qOneAndOnlyOne: false } };
    case 'SetProperties':
      return setProperties(call, held, handle);
    case 'ClearSoftPatches':
    case 'BeginSelections':
    case 'EndSelections':
    case 'ResetMadeSelections':
      return {};
    case 'ApplyPatches':
    case 'SetFullPropertyTree':
    case 'CreateChild':
    case 'DestroyChild':
    case 'DestroyAllChildren':
    case 'SetChildArrayOrder':
    case 'CopyFrom':
    case 'Publish':
    case 'UnPublish':
    case 'Approve':
    case 'UnApprove':
    case 'SetStringValue':
    case 'SetNumValue':
    case 'SetDualValue':
      throw new EngineError(5, 'The user may not change the app');
    default:
      throw new EngineError(17, call.method);
  }
}
