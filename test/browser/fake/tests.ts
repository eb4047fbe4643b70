import type { Check, Job, QlikSettings } from '#catalog/api/contract.ts';
import { ago, job } from './job.ts';
import type { World } from './world.ts';

export const check = (id: string, fields: Partial<Check> = {}): Check => ({
  target: 'connection',
  check: id,
  status: 'pass',
  seen: 'Everything is as it should be.',
  code: null,
  advice: null,
  details: [],
  durationMs: 12,
  ...fields,
});

const skipped = (id: string, seen: string, fields: Partial<Check> = {}): Check =>
  check(id, { status: 'skip', seen, durationMs: 0, ...fields });

const link = (host: string): Check[] =>
  [
    check('file', { seen: 'agent.conf can be used.' }),
    skipped('secrets', 'The settings of the agent name no secret.'),
    check('dns', { seen: `${host} is 203.0.113.7.` }),
    check('tcp', { seen: 'Port 443 answers.', durationMs: 31 }),
    skipped('proxy', 'No proxy is used.'),
    check('tls', { seen: 'The certificate is trusted.', durationMs: 64 }),
    check('upgrade', { seen: 'The WebSocket was opened.', durationMs: 78 }),
    check('enrolment', { seen: 'The catalog knows this agent.', durationMs: 55 }),
  ].map((each) => ({ ...each, target: 'link' as const }));

export const goodChecks: readonly Check[] = [
  check('file', { seen: 'prod.conf is in order.' }),
  check('secrets', { seen: '2 values come from the environment; both are there.' }),
  check('dns', { seen: '`qlik-prod.corp.example.com` is 10.20.4.7.', details: ['10.20.4.7', 'fd00::20:4:7'] }),
  check('tcp', { seen: 'Port 443 answers.', durationMs: 4 }),
  skipped('proxy', 'No proxy is used: the host is in no_proxy.'),
  check('tls', {
    seen: 'The certificate is trusted, but it expires in 12 days.',
    code: 'tls.expired',
    advice: 'Renew the certificate of the server before 2026-12-04.',
    durationMs: 210,
    details: ['CN=qlik-prod.corp.example.com, until 2026-12-04', 'CN=Example Corporation Issuing CA 3'],
  }),
  check('virtual_proxy', { seen: 'The prefix `culvert` is known.', durationMs: 80 }),
  check('authentication', { seen: 'Qlik Sense knows the user CORP\\svc_culvert.', durationMs: 96 }),
  check('repository', { seen: 'The repository answers: Qlik Sense 2024-11.', durationMs: 41 }),
  check('objects', { seen: '42 of 46 apps are visible.', details: ['apps: 42 of 46', 'streams: 5 of 5'] }),
  check('engine', { seen: 'The engine answers.', durationMs: 1_240 }),
];

/** One cause, and all that stands on it skipped; texts as long as German ones get. */
export const brokenChecks: readonly Check[] = [
  check('file', { seen: 'claims.conf is in order.' }),
  skipped('secrets', 'The file names no secret.'),
  check('dns', { seen: 'qlik-claims.corp.example.com is 10.20.4.9.' }),
  check('tcp', { seen: 'Port 443 answers.', durationMs: 3 }),
  skipped('proxy', 'No proxy is used.'),
  check('tls', {
    status: 'fail',
    seen: 'The certificate of qlik-claims.corp.example.com was issued by `CN=Donaudampfschifffahrtsgesellschaftszertifizierungsstelle Nordrhein-Westfalen 2024`, which is in no trust store of this connection.',
    code: 'tls.untrusted',
    advice:
      'Put the certificate of the issuing authority into a PEM file and name it in `tls.truststore.path`; `culvert doctor claims --save-ca FILE` writes it down for a person to check.',
    details: [
      'served: CN=qlik-claims.corp.example.com, until 2027-03-01',
      'missing: CN=Donaudampfschifffahrtsgesellschaftszertifizierungsstelle Nordrhein-Westfalen 2024',
      `SHA-256 ${'A1:'.repeat(31)}A1`,
    ],
    durationMs: 118,
  }),
  ...['virtual_proxy', 'authentication', 'repository', 'objects', 'websocket', 'engine', 'open_app', 'rights'].map(
    (id) => skipped(id, 'not looked at, because the TLS handshake failed'),
  ),
  ...link('catalog.example.com'),
];

/** Reached and logged in, but the user sees no app. */
export const blindChecks: readonly Check[] = [
  ...goodChecks.slice(0, 9).map((each) => (each.code === null ? each : { ...each, code: null, advice: null })),
  check('objects', {
    status: 'fail',
    seen: 'The user CORP\\svc_culvert is known, but sees no stream and no app.',
    code: 'qlik.nothing_visible',
    advice:
      'In the QMC, Security rules, give the user the rule that culvert doctor --rules prints: read on streams and apps at the least.',
  }),
  ...['websocket', 'engine', 'open_app', 'rights', 'sessions'].map((id) =>
    skipped(id, 'Not looked at, because reading what the user may see failed.'),
  ),
];

/** What the doctor says of a connection by header, for a user with a name as long as some directories have them. */
export const qlikSettings = (rightsMend: boolean): readonly QlikSettings[] => [
  {
    title: 'QMC > Security rules > Create new, for CORP\\svc_culvert',
    mends: rightsMend,
    fields: [
      { name: 'Name', value: 'Culvert prod' },
      {
        name: 'Resource filter',
        value:
          'Stream_*, App*, App.Object_*, DataConnection_*, User_*, ReloadTask_*, Tag_*, CustomProperty*, Extension_*',
      },
      { name: 'Actions', value: 'Read' },
      {
        name: 'Conditions',
        value: `user.userDirectory="CORP" and user.userId="svc_culvert_${'donaudampfschifffahrt'.repeat(3)}"`,
      },
      { name: 'Context', value: 'Both in hub and QMC' },
    ],
  },
  {
    title: 'QMC > Virtual proxies > "culvert"',
    mends: false,
    fields: [
      { name: 'Prefix', value: 'culvert' },
      { name: 'Session inactivity timeout', value: '30 minutes' },
      {
        name: 'Session cookie header name',
        value: 'X-Qlik-Session-culvert, or another one that no other virtual proxy has',
      },
      { name: 'Host allow list', value: 'qlik-prod.corp.example.com' },
    ],
  },
];

const count = (checks: readonly Check[], status: Check['status']): number =>
  checks.filter((each) => each.status === status).length;

export const summaryOf = (checks: readonly Check[]): Job['test'] => {
  const failure = checks.find(({ status }) => status === 'fail');
  return {
    passed: count(checks, 'pass'),
    warned: checks.filter(({ status, code }) => status === 'pass' && code !== null).length,
    failed: count(checks, 'fail'),
    skipped: count(checks, 'skip'),
    failure: failure ? { target: failure.target, check: failure.check, code: failure.code, seen: failure.seen } : null,
  };
};

/** Adds a test of a connection to the history. */
export const addTest = (
  world: World,
  id: string,
  code: string,
  checks: readonly Check[],
  fields: Partial<Job> = {},
) => {
  const done = job(id, code, {
    kind: 'test',
    createdAt: ago(64),
    startedAt: ago(63),
    finishedAt: ago(60),
    outcomes: {},
    test: summaryOf(checks),
    ...fields,
  });
  world.jobs.unshift(done);
  world.checks.set(id, [...checks]);
  world.change(code, { lastTest: done });
};

/** What is found next by a test that runs. */
export const findCheck = (world: World, id: string, found: Check, next?: string): void => {
  const checks = [...(world.checks.get(id) ?? []), found];
  world.checks.set(id, checks);
  const current = next === undefined ? [] : [next];
  const progress = { scopesDone: checks.length, scopesTotal: null, records: checks.length, current };
  world.changeJob(id, { state: 'running', test: summaryOf(checks), progress });
};

/** A test in every state. */
export const addTests = (world: World): void => {
  addTest(world, 'test-good', 'prod', goodChecks);
  world.qlikSettings.set('test-good', qlikSettings(false));
  addTest(world, 'test-blind', 'lab', blindChecks);
  world.qlikSettings.set('test-blind', qlikSettings(true));
  addTest(world, 'test-bad', 'claims', brokenChecks);
  world.qlikSettings.set('test-bad', qlikSettings(false));
  addTest(world, 'test-now', 'sales', goodChecks.slice(0, 5), {
    state: 'running',
    finishedAt: null,
    progress: { scopesDone: 5, scopesTotal: null, records: 5, current: ['connection/tls'] },
  });
  addTest(world, 'test-old-agent', 'finance', [], {
    state: 'failed',
    error: {
      code: 'job.unknown_kind',
      message: 'This agent does not know jobs of kind test',
      retryable: false,
      advice: 'Update the agent: it does not know this kind of job.',
    },
  });
};
