/**
 * The methods of the engine that are called, with their parameters, in the form in which enigma.js wants them; a test
 * holds them against the schemas that come with it. Those describe all methods: loading one costs some megabytes, and
 * enigma.js makes an object of everything in it for each session.
 */
const parameter = (name: string, value: unknown, optional = false) => ({
  Name: name,
  DefaultValue: value,
  ...(optional ? { Optional: true } : {}),
});
const returns = (...names: readonly string[]) => names.map((name) => ({ Name: name }));

export const schema = {
  structs: {
    Global: {
      OpenDoc: {
        In: [
          parameter('qDocName', ''),
          parameter('qUserName', '', true),
          parameter('qPassword', '', true),
          parameter('qSerial', '', true),
          parameter('qNoData', false, true),
        ],
        Out: [],
      },
      GetActiveDoc: { In: [], Out: [] },
      EngineVersion: { In: [], Out: returns('qVersion') },
    },
    Doc: {
      GetAppLayout: { In: [], Out: returns('qLayout') },
      GetObjects: {
        In: [parameter('qOptions', { qTypes: [''], qIncludeSessionObjects: false, qData: {} })],
        Out: returns('qList'),
      },
      GetObject: { In: [parameter('qId', '')], Out: [] },
      CreateSessionObject: {
        In: [parameter('qProp', { qInfo: { qId: '', qType: '' }, qExtendsId: '', qMetaDef: {}, qStateName: '' })],
        Out: [],
      },
      DestroySessionObject: { In: [parameter('qId', '')], Out: returns('qSuccess') },
      GetScriptEx: { In: [], Out: returns('qScript') },
      GetScript: { In: [], Out: returns('qScript') },
      GetLineage: { In: [], Out: returns('qLineage') },
    },
    GenericObject: {
      GetLayout: { In: [], Out: returns('qLayout') },
      GetProperties: { In: [], Out: returns('qProp') },
      GetFullPropertyTree: { In: [], Out: returns('qPropEntry') },
      GetChildInfos: { In: [], Out: returns('qInfos') },
    },
  },
  enums: {},
};
