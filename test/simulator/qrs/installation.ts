import type { Site } from '../model/types.ts';
import type { Profile } from '../profiles.ts';
import type { JsonObject } from './answer.ts';

/** What the repository says about the installation itself. */
export const about = (profile: Profile): JsonObject => ({
  buildVersion: profile.qrsVersion,
  buildDate: '9/20/2013 10:09:00 AM',
  databaseProvider: 'Devart.Data.PostgreSql',
  nodeType: 1,
  sharedPersistence: true,
  requiresBootstrap: false,
  singleNodeOnly: false,
  schemaPath: 'About',
});

const BIRTH = {
  createdDate: '2017-05-04T08:00:00.000Z',
  modifiedDate: '2024-01-15T10:00:00.000Z',
  modifiedByUserName: 'INTERNAL\\sa_repository',
};

export const clusterOf = (site: Site): JsonObject => ({
  id: site.nodeId.replace(/^.{8}/, 'c1c1c1c1'),
  ...BIRTH,
  name: 'Primary cluster',
  settings: {
    id: site.nodeId.replace(/^.{8}/, 'c2c2c2c2'),
    persistenceType: 1,
    persistenceMode: 1,
    sharedPersistenceProperties: {
      rootFolder: '\\\\fileserver\\qliksense',
      appFolder: '\\\\fileserver\\qliksense\\Apps',
      staticContentRootFolder: '\\\\fileserver\\qliksense\\StaticContent',
      connector32RootFolder: '\\\\fileserver\\qliksense\\CustomData',
      connector64RootFolder: '\\\\fileserver\\qliksense\\CustomData',
      archivedLogsRootFolder: '\\\\fileserver\\qliksense\\ArchivedLogs',
      databaseHost: 'qlikserver.corp.example',
      databasePort: 4432,
    },
    privileges: null,
  },
  privileges: null,
  schemaPath: 'ServiceCluster',
});

export interface VirtualProxy {
  readonly prefix: string;
  readonly description: string;
  readonly cookieName: string;
  /** 0 ticket, 1 static header, 2 dynamic header, 3 SAML, 4 JWT. */
  readonly authenticationMethod: number;
  readonly allowList: readonly string[];
}

export const virtualProxyOf = (site: Site, proxy: VirtualProxy, index: number): JsonObject => ({
  id: site.nodeId.replace(/^.{8}/, `b0b0b0${index.toString(16).padStart(2, '0')}`),
  ...BIRTH,
  description: proxy.description,
  prefix: proxy.prefix,
  authenticationModuleRedirectUri: '',
  sessionModuleBaseUri: '',
  sessionCookieHeaderName: proxy.cookieName,
  sessionCookieDomain: '',
  sessionInactivityTimeout: 30,
  authenticationMethod: proxy.authenticationMethod,
  headerAuthenticationMode: 0,
  windowsAuthenticationEnabledDevicePattern: 'Windows',
  websocketCrossOriginWhiteList: proxy.allowList,
  defaultVirtualProxy: proxy.prefix === '',
  tags: [],
  customProperties: [],
  privileges: null,
  schemaPath: 'VirtualProxyConfig',
});

export const nodeOf = (site: Site): JsonObject => ({
  id: site.nodeId,
  ...BIRTH,
  name: 'Central',
  hostName: 'qlikserver.corp.example',
  isCentral: true,
  nodePurpose: 0,
  engineEnabled: true,
  proxyEnabled: true,
  printingEnabled: true,
  schedulerEnabled: true,
  tags: [],
  customProperties: [],
  privileges: null,
  schemaPath: 'ServerNodeConfiguration',
});

const LISTEN_PORTS = {
  RepositoryService: 4242,
  ProxyService: 443,
  SchedulerService: 5050,
  EngineService: 4747,
  PrintingService: 4899,
} as const;

/** Repository, proxy, scheduler, engine, app migration, printing, by the numbers that the repository has for them. */
const SERVICE_TYPES = [0, 1, 2, 3, 4, 5] as const;
const RUNNING = 2;

/** `/qrs/servicestatus`: every service runs. */
export const statusesOf = (site: Site): readonly JsonObject[] =>
  SERVICE_TYPES.map((serviceType) => ({
    id: site.nodeId.replace(/^.{8}/, `a0a0a0a${serviceType}`),
    ...BIRTH,
    serverNodeConfiguration: {
      id: site.nodeId,
      name: 'Central',
      hostName: 'qlikserver.corp.example',
      privileges: null,
    },
    serviceType,
    serviceState: RUNNING,
    timestamp: BIRTH.modifiedDate,
    privileges: null,
    schemaPath: 'ServiceStatus',
  }));

/** One of the services of the node. */
export const serviceOf = (site: Site, schemaPath: keyof typeof LISTEN_PORTS, prefix: string): JsonObject => ({
  id: site.nodeId.replace(/^.{8}/, prefix),
  ...BIRTH,
  serverNodeConfiguration: {
    id: site.nodeId,
    name: 'Central',
    hostName: 'qlikserver.corp.example',
    isCentral: true,
    privileges: null,
  },
  settings: {
    id: site.nodeId.replace(/^.{8}/, prefix.replace(/.$/, 'f')),
    listenPort: LISTEN_PORTS[schemaPath],
  },
  tags: [],
  customProperties: [],
  privileges: null,
  schemaPath,
});
