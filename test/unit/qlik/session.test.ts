import { afterEach, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite, type Site } from '#agent/qlik/site.ts';
import { Secret } from '#config/secret.ts';
import { faultOf } from '../fault-of.ts';
import { type Answer, type FakeReply, type FakeSite, fakeSite, impatience } from './fake-site.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const start = async (answer: Answer, more: Parameters<FakeSite['connection']>[0] = {}) => {
  const fake = await fakeSite(answer);
  open.push(fake);
  const patience = impatience();
  const site: Site = openSite(fake.connection(more), { dialer: new Dialer(), patience });
  open.push(site);
  return { fake, site, patience };
};

const ABOUT = { buildVersion: '31.62.0.0' };
/** A proxy since November 2024: a session for credentials, data for its cookie. */
const proxy =
  (more: (path: string) => FakeReply | undefined = () => undefined): Answer =>
  ({ path, headers }) => {
    const special = more(path);
    if (special !== undefined) return special;
    if (path === '/vp/qps/csrftoken') {
      return headers.authorization === 'Bearer canary-token'
        ? {
            status: 204,
            headers: { 'set-cookie': 'renamed-by-admin=s1; Path=/; HttpOnly', 'qlik-csrf-token': 'tok en' },
          }
        : { status: 401 };
    }
    if (headers.cookie !== 'renamed-by-admin=s1') return { status: 302, headers: { location: '/vp/login' } };
    return { json: ABOUT };
  };

test('one bootstrap makes the session, whatever its cookie is called, and all requests share it', async () => {
  const { fake, site } = await start(proxy());
  await Promise.all([site.about(), site.about(), site.about()]);
  expect(fake.seen.filter(({ path }) => path === '/vp/qps/csrftoken').length).toBe(1);
  const calls = fake.seen.filter(({ path }) => path === '/vp/qrs/about');
  expect(calls.length).toBe(3);
  for (const { headers, query } of calls) {
    expect(headers.authorization).toBeUndefined();
    expect(headers['x-qlik-xrfkey']).toMatch(/^[0-9a-zA-Z]{16}$/);
    expect(query.get('xrfkey')).toBe(headers['x-qlik-xrfkey']);
  }
});

test('the crawls of one agent share a session, until the proxy has forgotten it', async () => {
  let forgotten = false;
  const fake = await fakeSite(
    proxy((path) => {
      if (path !== '/vp/qrs/about' || !forgotten) return undefined;
      forgotten = false;
      return { status: 302, headers: { location: '/login' } };
    }),
  );
  open.push(fake);
  const dialer = new Dialer();
  const knocks = () => fake.seen.filter(({ path }) => path === '/vp/qps/csrftoken').length;
  const crawl = async (): Promise<void> => {
    await using site = openSite(fake.connection(), { dialer, patience: impatience() });
    await site.about();
  };
  for (let n = 0; n < 7; n++) await crawl();
  expect(knocks()).toBe(1);
  forgotten = true;
  await crawl();
  expect(knocks()).toBe(2);
});

test('before November 2024 there is no csrf token: the session comes with the first call', async () => {
  const { fake, site } = await start(({ path, headers }) => {
    if (path === '/vp/qps/csrftoken') return { status: 404 };
    if (headers.cookie !== 'X-Qlik-Session-vp=s2' && headers.authorization === undefined) return { status: 401 };
    return { json: ABOUT, headers: { 'set-cookie': 'X-Qlik-Session-vp=s2' } };
  });
  expect((await site.about()).buildVersion).toBe('31.62.0.0');
  expect(fake.seen.map(({ path }) => path)).toEqual(['/vp/qps/csrftoken', '/vp/qrs/about', '/vp/qrs/about']);
});

test('a lost session is opened again once, by one of the callers, and the request sent again', async () => {
  let lost = 0;
  const { fake, site } = await start(
    proxy((path) => (path === '/vp/qrs/about' && lost++ < 3 ? { status: 401 } : undefined)),
  );
  await Promise.all([site.about(), site.about(), site.about()]);
  expect(fake.seen.filter(({ path }) => path === '/vp/qps/csrftoken').length).toBe(2);
});

test('403 renews the session once and then is a missing right: it costs no session each time', async () => {
  const { fake, site } = await start(proxy((path) => (path === '/vp/qrs/about' ? { status: 403 } : undefined)));
  for (let round = 0; round < 4; round++) expect((await faultOf(site.about())).code).toBe('qlik.forbidden');
  const knocks = fake.seen.filter(({ path }) => path === '/vp/qps/csrftoken');
  expect(knocks.length).toBe(2);
  expect(knocks[1]?.headers.cookie).toBe('renamed-by-admin=s1');
});

test.each<[string, (path: string) => FakeReply | undefined, string]>([
  ['a wrong token', () => ({ status: 401 }), 'qlik.unauthorized'],
  [
    'a redirect to the login',
    () => ({ status: 302, headers: { location: '/login?targetId=canary' } }),
    'qlik.login_page',
  ],
  [
    'a login page with status 200',
    () => ({ text: '<html>', headers: { 'content-type': 'text/html' } }),
    'qlik.login_page',
  ],
  ['a refused user', () => ({ status: 403 }), 'qlik.forbidden'],
  ['an unknown prefix', () => ({ status: 404 }), 'qlik.prefix_unknown'],
  [
    'a virtual proxy that is not linked',
    () => ({ status: 400, text: '<html>', headers: { 'content-type': 'text/html; charset=utf-8' } }),
    'qlik.prefix_unknown',
  ],
  ['another server', () => ({ text: 'hello', headers: { 'content-type': 'text/plain' } }), 'qlik.no_cookie'],
])('%s has its own verdict', async (_what, answer, code) => {
  const { site } = await start(({ path }) => answer(path) ?? {});
  const error = await faultOf(site.about());
  expect(error.code).toBe(code);
  expect(error.message).toContain('127.0.0.1');
  expect(error.message).not.toContain('canary');
});

test('a server error and a cut connection are tried again, four times at most', async () => {
  let calls = 0;
  const flaky = await start(
    proxy((path) => {
      if (path !== '/vp/qrs/about') return undefined;
      calls += 1;
      return calls === 1 ? { status: 503 } : calls === 2 ? { cut: true } : undefined;
    }),
  );
  expect((await flaky.site.about()).buildVersion).toBe('31.62.0.0');
  expect(flaky.patience.waitedMs.length).toBe(2);
  const dead = await start(proxy((path) => (path === '/vp/qrs/about' ? { status: 500 } : undefined)));
  expect((await faultOf(dead.site.about())).code).toBe('qlik.unavailable');
  expect(dead.fake.seen.filter(({ path }) => path === '/vp/qrs/about').length).toBe(4);
});

test('the header route sends its header only to open the session', async () => {
  const { fake, site } = await start(
    ({ path, headers }) => {
      if (path === '/vp/qps/csrftoken') {
        return headers['x-user'] === 'CORP\\jane'
          ? { status: 204, headers: { 'set-cookie': ['lb=a', 'X-Qlik-Session=b'], 'qlik-csrf-token': 't' } }
          : { status: 401 };
      }
      return headers.cookie === 'lb=a; X-Qlik-Session=b' ? { json: ABOUT } : { status: 401 };
    },
    { authentication: { type: 'header', header: 'X-User', value: new Secret('CORP\\jane') } },
  );
  await site.about();
  expect(fake.seen.filter(({ headers }) => headers['x-user'] !== undefined).length).toBe(1);
});

test('the direct route names the user on every request and opens no session', async () => {
  const { fake, site } = await start(() => ({ json: ABOUT }), {
    authentication: {
      type: 'certificate',
      certificate: '',
      key: new Secret(''),
      authority: undefined,
      userDirectory: 'CÖRP',
      userId: 'a;b=c',
    },
  });
  // The certificate itself is the dialer's matter, and this fake server speaks plain HTTP.
  await site.about();
  expect(fake.seen.map(({ path }) => path)).toEqual(['/qrs/about']);
  expect(fake.seen[0]?.headers['x-qlik-user']).toBe('UserDirectory=C%C3%96RP; UserId=a%3Bb%3Dc');
});
