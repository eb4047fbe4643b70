import type { Agent, BrokenFile, Connection, Job, ScopeOutcome } from '#catalog/api/contract.ts';
import { found } from './findings.ts';
import { ago, job } from './job.ts';
import { addRuns } from './runs.ts';
import { addSite } from './site.ts';
import { addTests } from './tests.ts';
import { World } from './world.ts';

const agent = (id: string, fields: Partial<Agent> = {}): Agent => ({
  id,
  name: id,
  health: 'online',
  standing: 'trusted',
  replacedKeyEndsAt: null,
  version: '0.1.0',
  hostname: `${id}.corp.example.com`,
  platform: 'win32-x64',
  enrolledAt: ago(86_400 * 40),
  lastSeenAt: ago(4),
  connections: 1,
  faults: [],
  bypassCertificateValidation: false,
  link: { transport: 'websocket', why: 'WebSockets pass' },
  logLevel: null,
  ...fields,
});

const running = (id: string, connection: string, done = 17): Job =>
  job(id, connection, {
    state: 'running',
    createdAt: ago(95),
    startedAt: ago(93),
    finishedAt: null,
    outcomes: { complete: done },
    progress: { scopesDone: done, scopesTotal: 46, records: 18_204, current: ['Sales Überblick', 'Claims «2026»'] },
  });

export const state = (code: string, fields: Partial<Connection['status']> = {}): Connection['status'] => ({
  file: `${code}.conf`,
  code,
  name: `Qlik ${code}`,
  state: 'ready',
  inForce: 'a'.repeat(64),
  loadedAt: ago(5_000),
  url: `https://qlik-${code}.corp.example.com/culvert`,
  authentication: 'header X-Qlik-User',
  environment: null,
  description: null,
  accessNotes: null,
  bypassCertificateValidation: false,
  problems: [],
  ...fields,
});

export const connection = (code: string, fields: Partial<Connection> = {}): Connection => ({
  code,
  agentId: 'vienna',
  agentName: 'vienna',
  agentHealth: 'online',
  agentStanding: 'trusted',
  agentKeyEndsAt: null,
  status: state(code),
  standby: [],
  takeOver: null,
  assets: 4_312,
  lastJob: null,
  lastTest: null,
  lastInventory: null,
  reportedAt: ago(5),
  ...fields,
});

export const escapeProblem: Connection['status']['problems'][number] = {
  severity: 'error',
  code: 'config.syntax',
  message: 'In double quotes, \\s is not an escape that HOCON knows.',
  advice: 'Write the backslash twice: auth.value = "CORP\\\\svc_qlik".',
  file: 'finance.conf',
  line: 12,
  column: 21,
  excerpt: '  auth.value = "CORP\\svc_qlik"',
};

const brokenFile: BrokenFile = {
  agentId: 'vienna',
  agentName: 'vienna',
  status: state('', {
    file: 'new-site.conf',
    code: null,
    name: null,
    state: 'error',
    inForce: null,
    loadedAt: null,
    url: null,
    authentication: null,
    problems: [
      {
        severity: 'error',
        code: 'config.missing_key',
        message: 'The key `code` is missing.',
        advice: 'Add code = "…": the unique name of this connection, for example code = "new-site".',
        file: 'new-site.conf',
      },
    ],
  }),
};

const scope = (name: string, fields: Partial<ScopeOutcome> = {}): ScopeOutcome => ({
  scope: `prod/${name}`,
  kind: 'app',
  name,
  outcome: 'complete',
  records: 412,
  added: 0,
  changed: 0,
  removed: 0,
  missing: [],
  error: null,
  reason: null,
  publishedAt: ago(7_150),
  ...fields,
});

const accessDenied = {
  code: 'qlik.access_denied',
  message: 'The engine refused to open the app: access denied (1010).',
  advice: 'Give the user read access to this app (or to its section access).',
} as const;

const scopesOfProd = (): ScopeOutcome[] => [
  scope('Qlik production', { scope: 'prod', kind: 'site', records: 903, added: 3 }),
  scope('Sales Überblick', { scope: 'prod/app-1', added: 12, changed: 5, removed: 2 }),
  scope('Claims «2026»', {
    scope: 'prod/app-2',
    outcome: 'partial',
    changed: 7,
    missing: [
      {
        what: 'load script',
        code: 'qlik.script_not_visible',
        message: 'The engine returned no script for this user.',
        advice: 'Give the user read access to the load script (resource `App*`, action Read, in Hub and QMC).',
      },
    ],
  }),
  scope('HR: salaries', {
    scope: 'prod/app-3',
    outcome: 'denied',
    records: 1,
    // What is missing for the same reason says so once more.
    missing: [{ what: 'tables and fields', ...accessDenied }],
    error: { ...accessDenied, retryable: false },
  }),
  scope('Archive 2019', {
    scope: 'prod/app-4',
    outcome: 'unchanged',
    reason: { code: 'unchanged', message: 'Neither the app nor its objects changed since 20 Nov 2026, 21:14 UTC.' },
  }),
  ...Array.from({ length: 40 }, (_, index) => scope(`Report ${index + 1}`, { changed: index % 7 })),
];

/** A catalog in which every state that the page can show is there at once. */
export const busyWorld = (): World => {
  const world = new World();
  world.agents = [
    agent('vienna', { connections: 5 }),
    agent('graz', {
      health: 'late',
      lastSeenAt: ago(48),
      platform: 'linux-x64',
      faults: [
        {
          code: 'spool.full',
          message: 'The disk of /var/lib/culvert/spool is full',
          retryable: true,
          advice: 'Free disk space where the state folder of the agent is; the crawl goes on then.',
        },
      ],
    }),
    agent('twin', { standing: 'quarantined', health: 'late', lastSeenAt: ago(60) }),
    agent('linz', {
      ...{ health: 'offline', lastSeenAt: ago(9_400), bypassCertificateValidation: true },
      replacedKeyEndsAt: ago(-7_200),
    }),
    agent('new-one', {
      health: 'new',
      version: null,
      hostname: null,
      platform: null,
      lastSeenAt: null,
      connections: 0,
    }),
  ];
  const key = (id: string, days: number, fields: object = {}) => ({
    id: id.repeat(4),
    createdAt: ago(86_400 * days),
    lastUsedAt: ago(4),
    validUntil: null,
    revokedAt: null,
    inUse: false,
    ...fields,
  });
  world.trust.set('vienna', {
    keys: [
      key('0a1b2c3d', 1, { inUse: true }),
      key('4e5f6a7b', 40, { validUntil: ago(-3_600) }),
      key('8c9d0e1f', 90, { revokedAt: ago(86_400 * 30) }),
    ],
    boots: [],
    renewalAskedAt: null,
    policy: {
      file: 'policy.conf',
      state: 'in_force',
      denies: [
        'Jobs that begin outside Mon-Fri 20:00-06:00, Europe/Vienna (policy.conf, line 3)',
        'Load scripts (policy.conf, line 5)',
      ],
    },
  });
  world.trust.set('twin', {
    keys: [key('0a1b2c3d', 40)],
    boots: ['qlik-01', 'qlik-01-copy'].map((hostname, index) => ({
      bootId: `boot-${index}`,
      hostname,
      platform: 'win32-x64',
      machine: `${index}a7f`.repeat(8),
      firstSeenAt: ago(900 - index * 300),
      lastSeenAt: ago(60 + index * 10),
      returns: 2 - index,
    })),
    renewalAskedAt: null,
    policy: null,
  });
  const last = job('job-1', 'prod');
  const now = running('job-2', 'sales');
  const failed = job('job-3', 'claims', {
    state: 'failed',
    outcomes: {},
    error: {
      code: 'qlik.unauthorized',
      message: 'https://qlik-claims.corp.example.com/culvert/qrs/about answered 401.',
      retryable: false,
      advice: 'Check the token, header or certificate, and that the virtual proxy prefix in `connection.url` is right.',
    },
  });
  world.jobs = [now, last, failed, job('job-0', 'prod', { state: 'cancelled', createdAt: ago(90_000) })];
  world.scopes.set('job-1', scopesOfProd());
  world.scopes.set('job-2', scopesOfProd().slice(0, 2));
  world.broken = [brokenFile];
  world.connections = [
    connection('prod', {
      lastJob: last,
      status: state('prod', {
        name: 'Qlik production',
        environment: 'Production',
        description: 'The site of the head office: finance, sales and claims.',
        accessNotes: 'Ask the BI team (bi@example.com) for access.',
        settings: [
          { name: 'excludeStreams', value: 'Test*' },
          { name: 'excludeApps', value: 'Archive*, regex:.*backup' },
          { name: 'unpublishedApps', value: 'true' },
        ],
        refuses: [
          { kind: 'crawl', option: 'full', why: 'policy.conf, line 3: full_crawls is false.' },
          { kind: 'preview', option: 'data', why: 'No policy allows previews with real values (previews = true).' },
        ],
      }),
    }),
    connection('sales', { lastJob: now, status: state('sales', { environment: 'Production' }) }),
    connection('finance', {
      status: state('finance', {
        state: 'error',
        problems: [
          escapeProblem,
          {
            severity: 'warning',
            code: 'config.unknown_key',
            message: 'The key `conection.timeout` is not known.',
            advice: 'Check the spelling; a key that Culvert does not know has no effect.',
            file: 'finance.conf',
            line: 15,
            column: 1,
            excerpt: '\tconection.timeout = 30',
          },
        ],
      }),
    }),
    connection('claims', {
      lastJob: failed,
      status: state('claims', { bypassCertificateValidation: true, environment: 'Test' }),
      standby: [{ agentId: 'graz', agentName: 'graz' }],
    }),
    connection('renamed', { takeOver: 'old-name', assets: 0 }),
    connection('lab', { agentId: 'linz', agentName: 'linz', agentHealth: 'offline' }),
    connection('copied', { agentId: 'twin', agentName: 'twin', agentStanding: 'quarantined' }),
    connection('restored', { agentId: 'linz', agentName: 'linz', agentKeyEndsAt: ago(-7_200) }),
    connection('retired', { status: state('retired', { state: 'absent' }), agentHealth: 'online' }),
    connection('paused', { status: state('paused', { state: 'disabled' }) }),
  ];
  world.tokens = [
    {
      id: 't1',
      name: 'Nightly export',
      createdAt: ago(86_400 * 12),
      lastUsedAt: ago(30_000),
      expiresAt: ago(-86_400 * 78),
    },
    { id: 't2', name: 'Dashboard <b>', createdAt: ago(86_400 * 2), lastUsedAt: null, expiresAt: null },
  ];
  addSite(world);
  addTests(world);
  addRuns(world);
  world.findings = found();
  return world;
};
