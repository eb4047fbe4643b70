import type { FaultRow, Group } from '../row.ts';
import { bySite, type Wish } from './by-site.ts';

const byEngine = (code: number, row: Wish): FaultRow =>
  bySite({ engineErrors: [{ method: 'OpenDoc', code }] }, { ...row, made: `engine error ${code} to OpenDoc` });

const denied = { check: 'open_app', code: 'qlik.access_denied', engineSessions: 3 } as const;

export const apps: Group<FaultRow> = {
  title: 'Apps and rights',
  rows: [
    byEngine(5, { ...denied, name: 'no app may be opened', made: '', says: ['denied'] }),
    byEngine(4000, { ...denied, name: 'the engine refuses the user', made: '' }),
    byEngine(12002, { ...denied, name: 'section access refuses the user', made: '', code: 'qlik.section_access' }),
    byEngine(19, {
      name: 'the engine is out of memory',
      made: '',
      check: 'open_app',
      code: 'qlik.overloaded',
      says: ['19'],
    }),
    byEngine(5006, { name: 'the engine is busy', made: '', check: 'open_app', code: 'qlik.overloaded' }),
    byEngine(1010, {
      name: 'the app is being migrated',
      made: '',
      check: 'open_app',
      code: 'qlik.app_migrating',
      says: ['1010'],
    }),
    byEngine(1009, {
      name: 'another session has the app open with its data',
      made: '',
      check: 'open_app',
      code: 'qlik.opened_with_data',
    }),
    bySite(
      { hangs: [{ method: 'OpenDoc' }] },
      {
        name: 'the app does not open',
        made: 'OpenDoc is never answered',
        check: 'open_app',
        code: 'qlik.app_timeout',
        mostMs: 3_000,
      },
    ),
    bySite(
      { drops: [{ method: 'OpenDoc' }] },
      {
        name: 'the engine hangs up',
        made: 'the WebSocket is cut at OpenDoc',
        check: 'open_app',
        code: 'network.reset',
      },
    ),
    bySite(
      { scriptRights: false },
      {
        name: 'the load script is not visible',
        made: 'an empty script',
        check: 'rights',
        code: 'qlik.script_not_visible',
        says: ['App*'],
      },
    ),
    bySite(
      {
        engineErrors: [
          { method: 'GetScript', code: 19 },
          { method: 'GetScriptEx', code: 19 },
        ],
      },
      {
        name: 'the engine runs out of memory at the script',
        made: 'engine error 19 to GetScriptEx',
        check: 'rights',
        code: 'qlik.overloaded',
        says: ['19'],
      },
    ),
    bySite(
      { forbiddenLists: ['dataconnection'] },
      {
        name: 'the data connections are refused',
        made: 'HTTP 403 to /qrs/dataconnection',
        check: 'rights',
        code: 'qlik.connections_not_visible',
        says: ['DataConnection_*'],
      },
    ),
  ],
};
