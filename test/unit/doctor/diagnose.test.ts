import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import { CHECK_IDS, CheckRecord } from '#protocol/checks.ts';
import { ERROR_KINDS } from '#protocol/errors.ts';
import type { FaultSettings } from '#test/simulator/faults.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { authenticationFor, connectionFor, simulate, type Way } from '../crawl/simulated.ts';
import { recordOf, subjectOf, verdict, visited } from './patient.ts';

let site: Simulator;
beforeAll(async () => {
  site = await simulate({ sessionsPerUser: 1_000, unlinkedPrefixes: ['loose'] });
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(() => {
  site.faults.clear();
  site.record.reset();
});

const see = (way: Way, more: Partial<Connection> = {}) => visited(subjectOf(connectionFor(site, way, more)));

describe.each(['jwt', 'header', 'certificate'] as const)('a healthy connection by %s', (way) => {
  test('passes every check, in the order of the packets, within one session', async () => {
    const { proxySessions: p, engineSessions: e } = site.record.snapshot();
    const before = { proxy: p.total, engine: e.total };
    const diagnosis = await see(way);
    expect(verdict(diagnosis)).toBe('ok');
    expect(diagnosis.records.map(({ check }) => check)).toEqual(CHECK_IDS);
    for (const record of diagnosis.records) expect(CheckRecord.parse(record)).toEqual(record);
    const skipped = diagnosis.records.filter(({ status }) => status === 'skip').map(({ check }) => check);
    expect(skipped).toEqual(['dns', 'proxy', ...(way === 'certificate' ? ['virtual_proxy'] : [])]);
    expect(recordOf(diagnosis, 'authentication').seen).toContain('CORP\\svc_catalog');
    expect(recordOf(diagnosis, 'objects').seen).toContain(`${site.site.apps.length} apps`);
    const { opensWithData, opens, proxySessions, engineSessions, engineSockets } = site.record.snapshot();
    expect({ opens, opensWithData, now: engineSockets.now }).toEqual({ opens: 1, opensWithData: 0, now: 0 });
    expect(proxySessions.total - before.proxy).toBe(way === 'certificate' ? 0 : 1);
    expect(engineSessions.total - before.engine).toBe(1);
  });
});

/** First failed check and its code, for what a site can do wrong. */
const FAULTS: readonly (readonly [Partial<FaultSettings>, string])[] = [
  [{ inactiveUsers: true }, 'authentication qlik.forbidden'],
  [{ cookies: false }, 'authentication qlik.no_cookie'],
  [{ clockSkewMs: 864_000_000 }, 'authentication qlik.clock_skew'],
  [{ clockSkewMs: -864_000_000 }, 'authentication qlik.clock_skew'],
  [{ tokenRefusal: 'login', clockSkewMs: 864_000_000 }, 'authentication qlik.clock_skew'],
  [{ httpErrors: [{ on: 'proxy', status: 403 }] }, 'virtual_proxy qlik.blocked_before_login'],
  [{ httpErrors: [{ on: 'proxy', status: 503 }] }, 'virtual_proxy qlik.unavailable'],
  [{ allowedHosts: ['localhost'] }, 'virtual_proxy qlik.host_not_allowed'],
  [{ allowedHosts: ['elsewhere.example'] }, 'virtual_proxy qlik.host_not_allowed'],
  [{ xrfkeyRefused: true }, 'repository qlik.xrfkey_refused'],
  [{ servicesDown: ['repository'] }, 'repository qlik.unavailable'],
  [{ httpErrors: [{ on: 'qrs', status: 403 }] }, 'repository qlik.forbidden'],
  [{ httpErrors: [{ on: 'qrs', status: 401 }] }, 'repository qlik.unauthorized'],
  [{ spoiled: [{ as: 'login-page', path: '/qrs/about' }] }, 'repository qlik.login_page'],
  [{ spoiled: [{ as: 'garbage', path: '/qrs/about' }] }, 'repository qlik.protocol'],
  [{ emptyLists: ['app'] }, 'objects qlik.nothing_visible'],
  [{ forbiddenLists: ['app'] }, 'objects qlik.nothing_visible'],
  [{ allowedOrigins: ['localhost'] }, 'websocket qlik.origin_not_allowed'],
  [{ allowedOrigins: ['elsewhere.example'] }, 'websocket qlik.websocket_forbidden'],
  [{ csrfToken: 'missing' }, 'websocket qlik.csrf_token_missing'],
  [{ csrfToken: 'refused' }, 'websocket qlik.websocket_forbidden'],
  [{ upgradeStatus: 400 }, 'websocket proxy.upgrade_blocked'],
  [{ servicesDown: ['engine'] }, 'engine qlik.no_engine'],
  [{ sessionsInUse: 1_000 }, 'engine qlik.session_limit'],
  [{ licenses: false }, 'engine qlik.license'],
  [{ socketNotice: 'OnLicenseAccessDeniedPendingUserSync' }, 'engine qlik.license_pending'],
  [{ socketNotice: 'OnRepositoryWebsocketFailed' }, 'engine qlik.unavailable'],
  [{ engineErrors: [{ code: 5, method: 'OpenDoc' }] }, 'open_app qlik.access_denied'],
  [{ engineErrors: [{ code: 19, method: 'OpenDoc' }] }, 'open_app qlik.overloaded'],
  [{ engineErrors: [{ code: 1010, method: 'OpenDoc' }] }, 'open_app qlik.app_migrating'],
  [{ drops: [{ method: 'OpenDoc' }] }, 'open_app network.reset'],
  [{ scriptRights: false }, 'rights qlik.script_not_visible'],
  [{ forbiddenLists: ['dataconnection'] }, 'rights qlik.connections_not_visible'],
  [{ httpErrors: [{ on: 'metadata', status: 403 }] }, 'rights qlik.forbidden'],
];

test.each(FAULTS)('%j is found at %s, and nothing else fails', async (faults, expected) => {
  site.faults.set(faults);
  const diagnosis = await see('jwt');
  expect(verdict(diagnosis)).toBe(expected);
  const failed = diagnosis.records.filter(({ status }) => status === 'fail');
  expect(failed).toHaveLength(1);
  // Nothing is said to be down that answers.
  if (/40[013]/.test(JSON.stringify(faults))) expect(failed[0]?.seen).not.toMatch(/\bdown\b|unreachable/);
  expect(Object.keys(ERROR_KINDS)).toContain(failed[0]?.code);
  expect(failed[0]?.advice?.length).toBeGreaterThan(20);
});

/** The same for what stands in the file. */
const token = (claims: Readonly<Record<string, unknown>>): Partial<Connection> => ({
  authentication: { type: 'jwt', token: new Secret(site.token(undefined, claims)) },
});
const now = (): number => Math.floor(Date.now() / 1000);
const header = (value: string, name = site.addresses.header.headerName): Partial<Connection> => ({
  authentication: { type: 'header', header: name, value: new Secret(value) },
});
const FILES: readonly (readonly [string, Way, () => Partial<Connection>, string])[] = [
  ['an expired token', 'jwt', () => token({ exp: now() - 60 }), 'authentication qlik.token_expired'],
  ['a token of tomorrow', 'jwt', () => token({ nbf: now() + 86_400 }), 'authentication qlik.token_not_yet_valid'],
  [
    'a token with other claims',
    'jwt',
    () => token({ userId: undefined, userDirectory: undefined, user: 'x', dir: 'y' }),
    'authentication qlik.token_refused',
  ],
  ['a token without a directory', 'jwt', () => token({ userDirectory: undefined }), 'authentication qlik.token_claims'],
  [
    'a token with another signature',
    'jwt',
    () => ({ authentication: { type: 'jwt', token: new Secret(`${site.token().slice(0, -20)}${'A'.repeat(20)}`) } }),
    'authentication qlik.token_refused',
  ],
  [
    'a password in place of a token',
    'jwt',
    () => ({ authentication: { type: 'jwt', token: new Secret('canary-password') } }),
    'authentication qlik.token_malformed',
  ],
  [
    'a token for a virtual proxy with headers',
    'jwt',
    () => ({ prefix: 'header' }),
    'authentication qlik.token_ignored',
  ],
  ['an unknown prefix', 'jwt', () => ({ prefix: 'nowhere' }), 'virtual_proxy qlik.prefix_unknown'],
  ['a prefix that is not linked', 'jwt', () => ({ prefix: 'loose' }), 'virtual_proxy qlik.prefix_not_linked'],
  [
    'the wrong header name',
    'header',
    () => header(site.addresses.header.headerValue, 'X-Other'),
    'authentication qlik.header_ignored',
  ],
  ['a header without directory', 'header', () => header('svc_catalog'), 'authentication qlik.header_invalid'],
  [
    'a user that the repository does not know',
    'certificate',
    () => ({
      authentication: { ...authenticationFor(site, 'certificate'), userId: 'nobody' } as Connection['authentication'],
    }),
    'authentication qlik.user_unknown',
  ],
  ['an address with nobody there', 'jwt', () => ({ origin: 'https://127.0.0.1:9' }), 'tcp network.refused'],
  [
    'an authority that nobody trusts',
    'jwt',
    () => ({ tls: { ...connectionFor(site).tls, extraAuthorities: [] } }),
    'tls tls.untrusted',
  ],
];

test.each(FILES)('%s is found', async (_, way, more, expected) => {
  expect(verdict(await see(way, more()))).toBe(expected);
});

test('a token and a password are in no record', async () => {
  const secret = 'canary-password';
  const { records, settings } = await see('jwt', { authentication: { type: 'jwt', token: new Secret(secret) } });
  expect(JSON.stringify([records, settings])).not.toContain(secret);
});

test('the missing authority is handed over for a review', async () => {
  const { untrusted } = await see('jwt', { tls: { ...connectionFor(site).tls, extraAuthorities: [] } });
  expect(untrusted).toHaveLength(1);
  expect(untrusted[0]?.probe.authority?.toString().trim()).toBe(site.pki.rootPem.trim());
});

test('one app that is denied does not spoil the verdict, and is named', async () => {
  const first = recordOf(await see('jwt'), 'open_app').details[0]?.replace('app ', '') ?? '';
  site.faults.set({ deniedApps: [first] });
  const diagnosis = await see('jwt');
  expect(verdict(diagnosis)).toBe('ok');
  expect(recordOf(diagnosis, 'open_app')).toMatchObject({ status: 'pass', code: 'qlik.section_access' });
  expect(recordOf(diagnosis, 'open_app').details.join()).toContain(first);
});

test('a broken file is found with its place; what is in force is looked at all the same', async () => {
  const problem = {
    severity: 'error',
    code: 'config.syntax',
    message: 'A quote is missing.',
    advice: 'Add it.',
    file: 'sim.conf',
    line: 7,
    column: 3,
  } as const;
  const inForce = await visited(subjectOf(connectionFor(site), { problems: [problem] }));
  expect(verdict(inForce)).toBe('file config.syntax');
  expect(recordOf(inForce, 'file').seen).toMatch(/^sim\.conf:7:3: A quote is missing\. The older version .* in force/);
  expect(inForce.records.filter(({ status }) => status === 'fail')).toHaveLength(1);
  expect(recordOf(inForce, 'sessions').status).toBe('pass');
  const none = await visited({ file: 'sim.conf', connection: undefined, problems: [problem] });
  expect(verdict(none)).toBe('file config.syntax');
  expect(none.records.slice(1).every(({ status, seen }) => status === 'skip' && seen.includes('file failed'))).toBe(
    true,
  );
  expect(none.records.map(({ check }) => check)).toEqual(CHECK_IDS);
});

test('a secret that cannot be got is found after the file, without its value', async () => {
  const problem = {
    severity: 'error',
    code: 'secrets.missing',
    message: 'There is no field password.',
    advice: 'Add it.',
    file: 'sim.conf',
  } as const;
  const diagnosis = await visited({ file: 'sim.conf', connection: undefined, problems: [problem] });
  expect(recordOf(diagnosis, 'file').status).toBe('pass');
  expect(verdict(diagnosis)).toBe('secrets secrets.missing');
  expect(recordOf(diagnosis, 'tls').seen).toContain('getting the secrets failed');
});

test('a warning of the file is a remark, and a switched-off connection is looked at', async () => {
  const warning = {
    severity: 'warning',
    code: 'config.suspicious_value',
    message: 'Odd.',
    advice: 'Look.',
    file: 'f',
  } as const;
  const diagnosis = await visited(subjectOf(connectionFor(site, 'jwt', { enabled: false }), { problems: [warning] }));
  expect(verdict(diagnosis)).toBe('ok');
  expect(recordOf(diagnosis, 'file')).toMatchObject({ status: 'pass', code: 'config.suspicious_value' });
  expect(recordOf(diagnosis, 'file').seen).toContain('disabled');
});

test('a Windows password that is refused is sent once, however often the doctor is asked', async (context) => {
  const { windows } = site.addresses;
  if (windows === null) return context.skip('gss-ntlmssp is not installed');
  const [domain = '', user = ''] = windows.username.split('\\');
  const password = new Secret('canary-wrong');
  const connection = connectionFor(site, 'jwt', {
    prefix: windows.prefix,
    authentication: { type: 'windows', domain, user, password, method: 'auto' },
  });
  const before = site.windowsLogins.length;
  const dialer = new Dialer();
  for (let visit = 0; visit < 3; visit += 1) {
    const diagnosis = await visited(subjectOf(connection), { dialer });
    expect(verdict(diagnosis)).toBe('authentication qlik.password_refused');
    expect(JSON.stringify(diagnosis.records)).not.toContain('canary-wrong');
  }
  expect(site.windowsLogins.length - before).toBe(1);
});

test('the session that the agent has is used, and no other is opened', async () => {
  const dialer = new Dialer();
  const subject = subjectOf(connectionFor(site));
  await visited(subject, { dialer });
  const { total } = site.record.snapshot().proxySessions;
  const again = await visited(subject, { dialer });
  expect(verdict(again)).toBe('ok');
  expect(site.record.snapshot().proxySessions.total).toBe(total);
  expect(recordOf(again, 'authentication').seen).toContain('the session holds');
});

test('a call that only some releases have costs no new log-in where it is missing', async () => {
  const before = site.record.snapshot().proxySessions.total;
  site.faults.set({
    spoiled: [
      { as: 'login-page', path: '/qps/user' },
      { as: 'login-page', path: '/api/about' },
    ],
  });
  const diagnosis = await see('jwt');
  expect(verdict(diagnosis)).toBe('ok');
  expect(recordOf(diagnosis, 'repository').seen).toMatch(/^QRS [\d.]+\.$/);
  expect(site.record.snapshot().proxySessions.total - before).toBe(1);
});

test('a session that holds does not hide that its token has expired', async () => {
  const connection = connectionFor(site, 'jwt', token({ exp: now() + 600 }));
  const dialer = new Dialer();
  expect(verdict(await visited(subjectOf(connection), { dialer }))).toBe('ok');
  // An hour later, by both clocks.
  site.faults.set({ clockSkewMs: 3_600_000 });
  const later = { dialer, nowMs: () => Date.now() + 3_600_000 };
  const again = await visited(subjectOf(connection), later);
  expect(verdict(again)).toBe('ok');
  expect(recordOf(again, 'authentication')).toMatchObject({ status: 'pass', code: 'qlik.token_expired' });
});

test('a service that never answers is found by the deadline, and not called unreachable', async () => {
  site.faults.set({ engineSilent: true });
  const diagnosis = await visited(subjectOf(connectionFor(site)), { mostMs: 2_000 });
  expect(verdict(diagnosis)).toBe('engine qlik.no_answer');
});
