import { between, daysAgo, type Random, randomOf } from './random.ts';
import { SUBJECTS } from './subjects.ts';
import type { DataConnection } from './types.ts';
import type { ConnectionRole, World } from './world.ts';

/** A connection with the part that the simulator's scripts need to know about it. */
interface ConnectionShape {
  readonly role: ConnectionRole;
  readonly name: string;
  readonly type: string;
  readonly connectionstring: string;
  readonly username?: string;
  readonly password?: string;
  readonly logOn?: 0 | 1;
  readonly architecture?: 0 | 1;
}

/**
 * All shapes that are met on real sites. Every `canary-` text stands where sites keep secrets in clear: none may leave
 * the customer's network.
 */
const shapes = (canary: (where: string) => string): readonly ConnectionShape[] => [
  { role: 'qvd', name: 'QVD (corp_svc_qlik)', type: 'folder', connectionstring: 'd:\\qlik\\qvd\\' },
  { role: 'qvd', name: 'QVD', type: 'folder', connectionstring: '\\\\fileserver\\bi\\qvd\\' },
  {
    role: 'files',
    name: 'Excel (corp_jürgen.müller)',
    type: 'folder',
    connectionstring: '\\\\srv-nas\\Freigabe Vertrieb\\',
  },
  { role: 'files', name: "Bob's files; old", type: 'folder', connectionstring: 'C:\\Users\\bob\\Documents\\' },
  {
    role: 'sql',
    name: 'DWH (corp_svc_qlik)',
    type: 'OLEDB',
    connectionstring: `OLEDB CONNECT TO [Provider=SQLOLEDB.1;Persist Security Info=True;User ID=qlik_reader;Password=${canary('oledb-password')};Initial Catalog=SalesDW;Data Source=sql01.corp.example,1433;Use Procedure for Prepare=1];`,
    username: 'qlik_reader',
    password: '%%password%%2f8a',
  },
  {
    role: 'sql',
    name: 'ERP',
    type: 'ODBC',
    connectionstring: 'ODBC CONNECT TO [ERP_PROD];',
    username: canary('odbc-username'),
    password: canary('odbc-password'),
    architecture: 1,
  },
  {
    role: 'sql',
    name: 'HR Core (corp_hr_admin)',
    type: 'QvOdbcConnectorPackage.exe',
    connectionstring: `CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=postgres;host=pg-hr.corp.example;port=5432;db=HRCore;SSLMode=require;UseBulkReader=true;MaxVarcharSize=8190;pwd=${canary('custom-pwd')};"`,
    username: 'hr_ro',
    password: '%%password%%77c1',
  },
  {
    role: 'sql',
    name: 'Snowflake',
    type: 'QvOdbcConnectorPackage.exe',
    connectionstring:
      'CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=snowflake;host=acme.eu-central-1.snowflakecomputing.example;port=443;db=LOGISTICS;warehouse=BI_WH;role=READER;schema=PUBLIC;"',
    logOn: 1,
  },
  {
    role: 'rest',
    name: 'Ticket API (corp_svc_qlik)',
    type: 'QvRestConnector.exe',
    connectionstring: `CUSTOM CONNECT TO "provider=QvRestConnector.exe;url=https://api:${canary('url-userinfo')}@tickets.example/v2/tickets?api_key=${canary('url-query')};timeout=30;method=GET;httpProtocol=1.1;authSchema=basic;queryHeaders=Authorization%2Bearer ${canary('rest-header')};"`,
    username: 'api',
    password: canary('rest-password'),
  },
  {
    role: 'web',
    name: 'ECB rates',
    type: 'internet',
    connectionstring: 'https://www.ecb.example/stats/eurofxref-hist.csv',
  },
  {
    role: 'web',
    name: 'SharePoint (corp_svc_qlik)',
    type: 'internet',
    connectionstring: `https://corp.sharepoint.example/sites/bi/Shared%20Documents/plan.xlsx?tempauth=${canary('web-token')}`,
  },
  { role: 'files', name: 'ServerLogFolder', type: 'folder', connectionstring: 'C:\\ProgramData\\Qlik\\Sense\\Log\\' },
  {
    role: 'files',
    name: 'ArchivedLogsFolder',
    type: 'folder',
    connectionstring: '\\\\fileserver\\qliksense\\ArchivedLogs\\',
  },
];

export interface ConnectionContext {
  readonly ownerIds: readonly string[];
  readonly tagIds: readonly string[];
}

/** The data connections of a site; larger sites have more departments' copies of the common ones. */
export const generateConnections = (
  seed: number,
  apps: number,
  { ownerIds, tagIds }: ConnectionContext,
): { connections: readonly DataConnection[]; roles: World['connections'] } => {
  const connections: DataConnection[] = [];
  const roles = new Map<ConnectionRole, DataConnection[]>();
  const base = shapes((where) => `canary-${where}-${seed}`);
  const total = base.length + Math.floor(apps / 20);
  for (let index = 0; index < total; index += 1) {
    const random: Random = randomOf(seed, 'connection', index);
    const shape = index < base.length ? base[index] : random.pick(base);
    if (shape === undefined) continue;
    const createdDate = daysAgo(random, 2500, 200);
    const subject = random.pick(SUBJECTS).folder;
    const connection: DataConnection = {
      id: random.guid(),
      name: index < base.length ? shape.name : `${shape.name} ${subject} ${index}`,
      ownerId: random.pick(ownerIds),
      createdDate,
      modifiedDate: between(random, createdDate, daysAgo(random, 190, 1)),
      modifiedByUserName: random.chance(0.5) ? 'INTERNAL\\sa_api' : 'CORP\\svc_qlik',
      tagIds: random.chance(0.15) ? random.sample(tagIds, 1) : [],
      customProperties: [],
      connectionstring: shape.connectionstring,
      type: shape.type,
      username: shape.username ?? '',
      password: shape.password ?? '',
      logOn: shape.logOn ?? 0,
      architecture: shape.architecture ?? 0,
    };
    connections.push(connection);
    // Scripts name the plain ones only: the copies lie about unused, as on real sites.
    if (index < base.length) roles.set(shape.role, [...(roles.get(shape.role) ?? []), connection]);
  }
  return { connections, roles };
};
