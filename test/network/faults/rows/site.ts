import { certificate, file } from '../connections.ts';
import type { FaultRow, Group } from '../row.ts';
import { bySite } from './by-site.ts';

const at = { check: 'repository', says: ['/qrs/about'] } as const;

export const repository: Group<FaultRow> = {
  title: 'The repository and what is visible',
  rows: [
    bySite(
      { xrfkeyRefused: true },
      {
        ...at,
        name: 'the xrfkey is refused',
        made: 'a machine between drops X-Qlik-Xrfkey',
        code: 'qlik.xrfkey_refused',
        says: ['Xrfkey'],
      },
    ),
    bySite(
      { servicesDown: ['repository'] },
      {
        ...at,
        name: 'the repository is down',
        made: 'the proxy is up and says 503',
        code: 'qlik.unavailable',
        says: ['503', 'Repository Service'],
      },
    ),
    bySite(
      { httpErrors: [{ on: 'qrs', status: 500 }] },
      {
        ...at,
        name: 'the repository fails',
        made: 'HTTP 500, as without its database',
        code: 'qlik.unavailable',
        says: ['500', 'database'],
      },
    ),
    bySite(
      { httpErrors: [{ on: 'qrs', status: 403 }] },
      {
        ...at,
        name: 'the repository refuses the user',
        made: 'HTTP 403 to everything',
        code: 'qlik.forbidden',
        says: ['403', 'CORP\\svc_catalog'],
      },
    ),
    bySite(
      { spoiled: [{ path: '/qrs/about', as: 'login-page' }] },
      {
        ...at,
        name: 'a login page with status 200',
        made: 'HTML instead of data',
        code: 'qlik.login_page',
        says: ['page'],
        // A page instead of data says that the session is over: one log-in more is tried.
        proxySessions: 2,
      },
    ),
    bySite(
      { spoiled: [{ path: '/qrs/about', as: 'truncated' }] },
      {
        ...at,
        name: 'half an answer',
        made: 'JSON that ends in the middle',
        code: 'qlik.protocol',
        says: ['breaks off', 'reverse proxy'],
      },
    ),
    bySite(
      { spoiled: [{ path: '/qrs/about', as: 'garbage' }] },
      {
        ...at,
        name: 'an answer that is no JSON',
        made: 'noise',
        code: 'qlik.protocol',
        says: ['not JSON', 'reverse proxy'],
      },
    ),
    bySite(
      { spoiled: [{ path: '/qrs/about', as: 'empty' }] },
      {
        ...at,
        name: 'an empty answer',
        made: 'status 200 without a body',
        code: 'qlik.protocol',
        says: ['empty', 'reverse proxy'],
      },
    ),
    bySite(
      { hangs: [{ path: '/qrs/about', nth: 2 }] },
      {
        ...at,
        name: 'the repository says nothing',
        made: 'a request that is never answered',
        code: 'qlik.no_answer',
        mostMs: 3_000,
        says: ['3 s'],
      },
    ),
    {
      name: 'the certificate speaks for a user that the site does not have',
      made: 'certificates, another `auth.user_id`; no security rule for it',
      check: 'authentication',
      code: 'qlik.user_unknown',
      site: { faults: { emptyLists: ['app'] } },
      connection: (stage) => file(stage, certificate(stage, { user: 'nobody' })),
    },
    bySite(
      { emptyLists: ['app'] },
      {
        name: 'no app is visible',
        made: 'a user without security rules',
        check: 'objects',
        code: 'qlik.nothing_visible',
        says: [/rule/],
      },
    ),
    bySite(
      { forbiddenLists: ['app'] },
      {
        name: 'the list of apps is refused',
        made: 'HTTP 403 to /qrs/app',
        check: 'objects',
        code: 'qlik.nothing_visible',
        says: ['403', /rule/],
      },
    ),
    bySite(
      { httpErrors: [{ on: 'qrs', path: '/qrs/app/', status: 500 }] },
      {
        name: 'the list of apps fails',
        made: 'HTTP 500 to /qrs/app only',
        check: 'objects',
        code: 'qlik.unavailable',
        says: ['500', 'Repository Service'],
      },
    ),
  ],
};

export const sockets: Group<FaultRow> = {
  title: 'WebSocket and engine',
  rows: [
    bySite(
      { allowedOrigins: ['elsewhere.example.test'] },
      {
        name: 'the Origin is not allowed',
        made: 'the Host allow list lacks the host',
        check: 'websocket',
        code: 'qlik.websocket_forbidden',
        says: ['Host allow list'],
      },
    ),
    bySite(
      { allowedOrigins: ['localhost'] },
      {
        name: 'the Origin is not allowed, another is',
        made: 'the Host allow list has another name of the certificate',
        check: 'websocket',
        code: 'qlik.origin_not_allowed',
        says: ['localhost', 'Host allow list'],
      },
    ),
    bySite(
      { csrfToken: 'missing' },
      {
        name: 'no csrf token is given',
        made: 'a machine between drops qlik-csrf-token',
        check: 'websocket',
        code: 'qlik.csrf_token_missing',
        says: ['qlik-csrf-token'],
      },
    ),
    bySite(
      { httpErrors: [{ on: 'proxy', path: '/qps/csrftoken', status: 404 }] },
      {
        name: 'the page of the csrf token is not passed on',
        made: 'a reverse proxy answers 404 for /qps',
        check: 'websocket',
        code: 'qlik.csrf_token_missing',
        says: ['/qps/csrftoken'],
      },
    ),
    bySite(
      { csrfToken: 'refused' },
      {
        name: 'the csrf token is refused',
        made: 'HTTP 403 to every upgrade',
        check: 'websocket',
        code: 'qlik.websocket_forbidden',
        says: ['403'],
      },
    ),
    ...([400, 404, 426, 200] as const).map((upgradeStatus) =>
      bySite(
        { upgradeStatus },
        {
          name: `the upgrade is stripped (${upgradeStatus})`,
          made: `a machine between takes it for a request: HTTP ${upgradeStatus}`,
          check: 'websocket',
          code: 'proxy.upgrade_blocked',
          says: ['WebSocket'],
        },
      ),
    ),
    bySite(
      { upgradeStatus: 502 },
      {
        name: 'the upgrade fails at a gateway',
        made: 'HTTP 502 to the upgrade alone',
        check: 'websocket',
        code: 'qlik.unavailable',
        says: ['502', 'load balancer'],
      },
    ),
    bySite(
      { servicesDown: ['engine'] },
      {
        name: 'no engine is available',
        made: 'OnNoEngineAvailable',
        check: 'engine',
        code: 'qlik.no_engine',
        says: ['Engine Service'],
      },
    ),
    bySite(
      { engineSilent: true },
      {
        name: 'the engine says nothing',
        made: 'a WebSocket that stays silent',
        check: 'engine',
        code: 'qlik.no_answer',
        mostMs: 3_000,
      },
    ),
    bySite(
      { licenses: false },
      {
        name: 'the user has no access allocation',
        made: 'OnLicenseAccessDenied',
        check: 'engine',
        code: 'qlik.license',
        says: ['OnLicenseAccessDenied'],
      },
    ),
    bySite(
      { socketNotice: 'OnLicenseAccessDeniedPendingUserSync' },
      {
        name: 'the access allocation waits for the user directory',
        made: 'OnLicenseAccessDeniedPendingUserSync',
        check: 'engine',
        code: 'qlik.license_pending',
        says: ['PendingUserSync'],
      },
    ),
    bySite(
      { socketNotice: 'OnNoRepositoryAvailable' },
      {
        name: 'the proxy finds no repository',
        made: 'OnNoRepositoryAvailable',
        check: 'engine',
        code: 'qlik.unavailable',
        says: ['OnNoRepositoryAvailable'],
      },
    ),
    bySite(
      { socketNotice: 'OnRepositoryWebsocketFailed' },
      {
        name: 'the proxy loses the repository',
        made: 'OnRepositoryWebsocketFailed',
        check: 'engine',
        code: 'qlik.unavailable',
        says: ['OnRepositoryWebsocketFailed'],
      },
    ),
    bySite(
      { socketNotice: 'OnEngineWebsocketFailed' },
      {
        name: 'the engine hangs up on the proxy',
        made: 'OnEngineWebsocketFailed',
        check: 'engine',
        code: 'qlik.no_engine',
        says: ['OnEngineWebsocketFailed'],
      },
    ),
    {
      name: 'the engine has no licence',
      made: 'certificates; SESSION_ERROR_NO_LICENSE',
      site: { faults: { sessionState: 'SESSION_ERROR_NO_LICENSE' } },
      check: 'engine',
      code: 'qlik.license',
      connection: (stage) => file(stage, certificate(stage)),
      says: ['NO_LICENSE'],
    },
    {
      name: 'the engine has too many sessions',
      made: 'certificates; SESSION_ERROR_LIMIT_EXCEEDED',
      site: { faults: { sessionState: 'SESSION_ERROR_LIMIT_EXCEEDED' } },
      check: 'engine',
      code: 'qlik.session_limit',
      connection: (stage) => file(stage, certificate(stage)),
      says: ['LIMIT_EXCEEDED'],
    },
    bySite(
      { sessionsInUse: 5 },
      {
        name: 'five sessions are in use',
        made: 'OnMaxParallelSessionsExceeded',
        check: 'engine',
        code: 'qlik.session_limit',
        says: [/five|5/],
      },
    ),
  ],
};
