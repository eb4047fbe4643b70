/** Calls on an open app. */
import { EngineError } from './errors.ts';
import { checkExpression, evaluate, expandDollars, fieldNamesIn } from './expression.ts';
import { type Held, type Json, NOTHING } from './held.ts';
import { bookmarksOf, objectsOf, variablesOf } from './lists.ts';
import { appMeta, NEVER, streamOf } from './meta.ts';
import type { Call, Outputs } from './session.ts';
import { fieldDescription, tableData, tablesAndKeys } from './tables.ts';

type Handler = (call: Call) => Outputs;

const json = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const text = (call: Call, name: string): string => String(call.args[name] ?? '');
const number = (call: Call, name: string): number => Number(call.args[name] ?? 0);
const refused: Handler = () => {
  throw new EngineError(5, 'The user may not change the app');
};
const done: Handler = (call) => {
  call.session.view();
  return {};
};

const appLayout: Handler = ({ session }) => {
  const { app, content, site, withData } = session.view();
  return {
    qLayout: {
      qTitle: app.name,
      qFileName: app.id,
      qLastReloadTime: app.lastReloadTime ?? '',
      qModified: false,
      qHasScript: content.script.trim() !== '',
      qHasData: withData && app.lastReloadTime !== null,
      qStateNames: [],
      qMeta: appMeta(site, app),
      qLocaleInfo: LOCALE,
      qThumbnail: app.thumbnail === '' ? {} : { qUrl: app.thumbnail },
      ...(withData ? {} : { qIsOpenedWithoutData: true }),
      ...(app.directQuery ? { qIsDirectQueryMode: true } : {}),
      qReadOnly: app.published,
      qUsage: 'ANALYTICS',
      description: app.description,
      createdDate: app.createdDate,
      modifiedDate: app.modifiedDate,
      published: app.published,
      publishTime: app.publishTime ?? NEVER,
      stream: streamOf(site, app),
      privileges: ['read'],
    },
  };
};

const LOCALE = {
  qDecimalSep: '.',
  qThousandSep: ',',
  qListSep: ';',
  qMoneyDecimalSep: '.',
  qMoneyThousandSep: ',',
  qCurrentYear: 2026,
  qMoneyFmt: '$###0.00;-$###0.00',
  qTimeFmt: 'h:mm:ss TT',
  qDateFmt: 'YYYY-MM-DD',
  qTimestampFmt: 'YYYY-MM-DD h:mm:ss[.fff] TT',
  qFirstWeekDay: 6,
  qReferenceDay: 0,
  qFirstMonthOfYear: 1,
  qCollation: 'en-US',
} as const;

const appProperties: Handler = ({ session }) => {
  const { app } = session.view();
  return {
    qProp: {
      qTitle: app.name,
      qLastReloadTime: app.lastReloadTime ?? '',
      qMigrationHash: '',
      qSavedInProductVersion: app.savedInProductVersion,
      qThumbnail: app.thumbnail === '' ? {} : { qUrl: app.thumbnail },
      qHasSectionAccess: app.sectionAccess,
      qUsage: 'ANALYTICS',
      description: app.description,
      dynamicColor: '',
    },
  };
};

const script = ({ session }: Call, needs: 'read' | 'update'): string => {
  const { app, content } = session.view();
  return session.context.access.seesScript(session.user, app, needs) ? content.script : '';
};

const allInfos: Handler = ({ session }) => {
  const { content, index } = session.view();
  const objects = [
    ...[...index.objects.values()].map((placed) => placed.object),
    ...content.masterDimensions,
    ...content.masterMeasures,
    ...index.bookmarks.values(),
  ];
  return {
    qInfos: [
      ...objects.map(({ qId, qType }) => ({ qId, qType })),
      ...content.variables.map(({ qId }) => ({ qId, qType: 'variable' })),
    ],
  };
};

const listOptions: Handler = (call) => {
  const view = call.session.view();
  const options = json(call.args['qOptions']);
  const types = Array.isArray(options['qTypes']) ? options['qTypes'].map(String) : [];
  const definition = { qType: '', qData: options['qData'] };
  const items = objectsOf(definition, view);
  return {
    qList: types.every((type) => type === '')
      ? items
      : items.filter((item) => types.includes(String(json(item['qInfo'])['qType'] ?? ''))),
  };
};

const bookmarks: Handler = (call) => {
  const options = json(call.args['qOptions']);
  const types = Array.isArray(options['qTypes']) ? options['qTypes'].map(String) : [];
  return { qList: bookmarksOf(types, options, call.session.view()) };
};

const variables: Handler = (call) => {
  const view = call.session.view();
  const definition = json(call.args['qListDef']);
  const type = String(definition['qType'] ?? 'variable');
  return { qList: type === 'variable' ? variablesOf(definition, view) : [] };
};

/** Looks for an object and answers its handle; nulls when there is none. */
const found = (call: Call, held: Held | null): Outputs => ({ qReturn: held ? call.session.hold(held) : NOTHING });

const createSessionObject: Handler = (call) => {
  const properties = json(call.args['qProp']);
  const info = json(properties['qInfo']);
  const given = typeof info['qId'] === 'string' ? info['qId'] : '';
  const type = typeof info['qType'] === 'string' ? info['qType'] : '';
  if (type === '') throw new EngineError(-32602, 'qInfo.qType');
  const { index } = call.session.view();
  if (given !== '' && index.objects.has(given)) throw new EngineError(3, given);
  const id = given === '' ? call.session.newId() : given;
  const held: Held = { kind: 'session', id, type, properties: { ...properties, qInfo: { ...info, qId: id } } };
  return { qReturn: call.session.hold(held, true) };
};

const object: Handler = (call) => {
  const id = text(call, 'qId');
  const placed = call.session.view().index.objects.get(id);
  return found(call, placed ? { kind: 'object', object: placed.object } : call.session.sessionObject(id));
};

const master =
  (kind: 'dimension' | 'measure' | 'bookmark'): Handler =>
  (call) => {
    const { index } = call.session.view();
    const map = { dimension: index.dimensions, measure: index.measures, bookmark: index.bookmarks }[kind];
    const known = map.get(text(call, 'qId'));
    return found(call, known ? { kind, object: known } : null);
  };

const connections: Handler = ({ session }) => {
  session.view();
  return {
    qConnections: session.context.site.dataConnections.map((connection) => ({
      qId: connection.id,
      qName: connection.name,
      qConnectionString: connection.connectionstring,
      qType: connection.type,
      qUserName: connection.username,
      qModifiedDate: connection.modifiedDate,
      qMeta: { privileges: ['read'] },
      qLogOn: connection.logOn === 0 ? 'LOG_ON_SERVICE_USER' : 'LOG_ON_CURRENT_USER',
    })),
  };
};

const lineage: Handler = ({ session }) => {
  const { content, withData } = session.view();
  if (!withData && !session.context.profile.lineageWithoutData) return { qLineage: [] };
  return {
    qLineage: content.lineage.map(({ discriminator, statement }) => ({
      qDiscriminator: discriminator,
      qStatement: statement,
    })),
  };
};

const variableByName: Handler = (call) => {
  const variable = call.session.view().index.variablesByName.get(text(call, 'qName'));
  return found(call, variable ? { kind: 'variable', variable } : null);
};

const HANDLERS: Readonly<Record<string, Handler>> = {
  GetAppLayout: appLayout,
  GetAppProperties: appProperties,
  GetScript: (call) => ({ qScript: script(call, call.session.context.profile.scriptNeeds) }),
  GetScriptEx: (call) => ({ qScript: { qScript: script(call, 'read'), qMeta: {} } }),
  GetEmptyScript: (call) => ({ qReturn: `///$tab ${text(call, 'qLocalizedMainSection') || 'Main'}\r\n` }),
  GetAllInfos: allInfos,
  GetObjects: listOptions,
  GetBookmarks: bookmarks,
  GetVariables: variables,
  GetObject: object,
  GetDimension: master('dimension'),
  GetMeasure: master('measure'),
  GetBookmark: master('bookmark'),
  GetVariableById: (call) => {
    const variable = call.session.view().index.variables.get(text(call, 'qId'));
    return found(call, variable ? { kind: 'variable', variable } : null);
  },
  GetVariableByName: variableByName,
  // Its name before 12.20; old clients still say it.
  GetVariable: variableByName,
  CheckScriptSyntax: (call) => {
    call.session.view();
    return { qErrors: [] };
  },
  GetLibraryContent: () => ({ qList: { qItems: [] } }),
  GetMeasureWithLabel: (call) => {
    const label = text(call, 'qLabel');
    const known = call.session
      .view()
      .content.masterMeasures.find((item) => json(item.properties['qMeasure'])['qLabel'] === label);
    return found(call, known ? { kind: 'measure', object: known } : null);
  },
  GetField: (call) => {
    const { content, withData } = call.session.view();
    const name = text(call, 'qFieldName');
    return found(call, withData && content.fields.some((f) => f.name === name) ? { kind: 'field', name } : null);
  },
  CreateSessionObject: createSessionObject,
  DestroySessionObject: (call) => ({ qSuccess: call.session.release(text(call, 'qId')) }),
  GetTablesAndKeys: (call) => tablesAndKeys(call.session.view(), call.args['qIncludeSysVars'] === true),
  GetTableData: (call) => ({
    qData: tableData(call.session.view(), text(call, 'qTableName'), number(call, 'qOffset'), number(call, 'qRows')),
  }),
  GetFieldDescription: (call) => ({ qReturn: fieldDescription(call.session.view(), text(call, 'qFieldName')) }),
  GetMatchingFields: (call) => {
    const { content, withData } = call.session.view();
    const tags = Array.isArray(call.args['qTags']) ? call.args['qTags'].map(String) : [];
    const fits = content.fields.filter((field) => tags.some((tag) => field.tags.includes(tag)));
    return { qFieldNames: withData ? fits.map(({ name }) => ({ qName: name })) : [] };
  },
  GetConnections: connections,
  GetConnection: (call) => {
    const id = text(call, 'qConnectionId');
    const all = connections(call)['qConnections'] as readonly Json[];
    const known = all.find((connection) => connection['qId'] === id);
    if (!known) throw new EngineError(2, id);
    return { qConnection: known };
  },
  GetLineage: lineage,
  GetFieldsFromExpression: (call) => {
    const { content } = call.session.view();
    return { qFieldNames: fieldNamesIn(expandDollars(text(call, 'qExpr'), content), content) };
  },
  ExpandExpression: (call) => ({
    qExpandedExpression: expandDollars(text(call, 'qExpression'), call.session.view().content),
  }),
  CheckExpression: (call) => {
    const { content } = call.session.view();
    return checkExpression(expandDollars(text(call, 'qExpr'), content), content);
  },
  Evaluate: (call) => ({ qReturn: evaluate(text(call, 'qExpression'), call.session.view().content).qText }),
  EvaluateEx: (call) => ({ qValue: evaluate(text(call, 'qExpression'), call.session.view().content) }),
  GetLocaleInfo: (call) => {
    call.session.view();
    return { qReturn: LOCALE };
  },
  GetMediaList: () => ({ qList: { qItems: [] } }),
  GetContentLibraries: () => ({ qList: { qItems: [] } }),
  GetFavoriteVariables: () => ({ qNames: [] }),
  GetScriptBreakpoints: () => ({ qBreakpoints: [] }),
  GetTextMacros: () => ({ qMacros: [] }),
  BackCount: () => ({ qReturn: 0 }),
  ForwardCount: () => ({ qReturn: 0 }),
  Back: done,
  Forward: done,
  Resume: done,
  ClearAll: ({ session }) => {
    session.view();
    session.selections.clearAll();
    session.changeAll();
    return {};
  },
  LockAll: done,
  UnlockAll: done,
  AbortModal: done,
  SetScript: refused,
  DoSave: refused,
  DoReload: refused,
  DoReloadEx: refused,
  SetAppProperties: refused,
  CreateObject: refused,
  DestroyObject: refused,
  CloneObject: refused,
  CreateDimension: refused,
  DestroyDimension: refused,
  CreateMeasure: refused,
  DestroyMeasure: refused,
  CreateVariableEx: refused,
  CreateBookmark: refused,
  DestroyBookmark: refused,
  CreateConnection: refused,
  ModifyConnection: refused,
  DeleteConnection: refused,
  Publish: refused,
  UnPublish: refused,
  SaveObjects: refused,
  SaveAs: refused,
};

/** @throws EngineError 17 for a method of the schema that is not played here */
export function documentCall(call: Call): Outputs {
  const handler = HANDLERS[call.method];
  if (!handler) throw new EngineError(17, call.method);
  return handler(call);
}
