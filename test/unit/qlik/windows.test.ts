import { afterEach, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { Authentication } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import { type Answer, type FakeReply, type FakeSite, fakeSite, impatience } from './fake-site.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const user: Authentication = {
  type: 'windows',
  domain: 'CORP',
  user: 'svc',
  password: new Secret('canary-password'),
  method: 'auto',
};

/** A challenge without anything about the target. */
const CHALLENGE = Buffer.alloc(56);
CHALLENGE.write('NTLMSSP\0', 'latin1');
CHALLENGE.writeUInt32LE(2, 8);
CHALLENGE.writeUInt32LE(0xe20a8235, 20);
CHALLENGE.write('canary!!', 24, 'latin1');
const challenge = CHALLENGE.toString('base64');

const LOGIN = '/vp/internal_windows_authentication/';
/** A site that sends everyone to Windows authentication; `answer` decides what happens there, by the message sent. */
const site = async (
  answer: (message: number, headers: Readonly<Record<string, unknown>>) => FakeReply,
): Promise<FakeSite> => {
  const decide: Answer = ({ path, headers }) => {
    if (path !== LOGIN) return { status: 302, headers: { location: `${LOGIN}?targetId=1` } };
    const token = Buffer.from(String(headers.authorization ?? '').split(' ')[1] ?? '', 'base64');
    return answer(token.length > 8 ? token.readUInt32LE(8) : 0, headers);
  };
  const fake = await fakeSite(decide);
  open.push(fake);
  return fake;
};
const offer = (...schemes: string[]): FakeReply => ({ status: 401, headers: { 'www-authenticate': schemes } });

const about = async (fake: FakeSite, authentication: Authentication = user): Promise<unknown> => {
  await using opened = openSite(fake.connection({ authentication }), {
    dialer: new Dialer(),
    patience: impatience(),
  });
  return await opened.about().catch((error: unknown) => error);
};
const proofs = ({ seen }: FakeSite): number =>
  seen.filter(({ headers }) => {
    const token = Buffer.from(String(headers.authorization ?? '').split(' ')[1] ?? '', 'base64');
    return token.length > 8 && token.readUInt32LE(8) === 3;
  }).length;

test('a connection that is closed between the messages is named, and no password is blamed', async () => {
  for (const reply of [
    { status: 401, headers: { 'www-authenticate': `NTLM ${challenge}`, connection: 'close' } },
    { cut: true },
  ]) {
    const fake = await site((message) => (message === 1 ? reply : offer('NTLM')));
    expect(await about(fake)).toMatchObject({ code: 'network.reset' });
    expect(proofs(fake)).toBe(0);
  }
  const fake = await site((message) => {
    if (message === 3) return { cut: true };
    return message === 1 ? offer(`NTLM ${challenge}`) : offer('NTLM');
  });
  expect(await about(fake)).toMatchObject({ code: 'network.reset' });
});

test('a password goes to no other host than the one of the connection', async () => {
  const fake = await fakeSite(() => ({ status: 302, headers: { location: 'https://login.example.net/adfs/ls?x=1' } }));
  open.push(fake);
  expect(await about(fake)).toMatchObject({
    code: 'qlik.login_page',
    message: expect.stringContaining('login.example.net: this virtual proxy does not log in by Windows'),
  });
  expect(JSON.stringify(fake.seen)).not.toContain('canary-password');
});

test('a site that offers something else than NTLM is told what it offers', async () => {
  const fake = await site(() => offer('Basic realm="a, b"'));
  expect(await about(fake)).toMatchObject({ code: 'qlik.unauthorized', message: expect.stringContaining('basic') });
  expect(JSON.stringify(fake.seen)).not.toContain('authorization');
});

test('a site that begins to offer NTLM is tried again at once: no password was refused', async () => {
  let mended = false;
  const fake = await site((message) => {
    if (!mended) return offer('Basic');
    return message === 3 ? { json: {}, headers: { 'set-cookie': 'X-Qlik-Session=1' } } : offer(`NTLM ${challenge}`);
  });
  const dialer = new Dialer();
  const tried = async (): Promise<number> => {
    await using opened = openSite(fake.connection({ authentication: user }), { dialer, patience: impatience() });
    await opened.about().catch(() => undefined);
    return proofs(fake);
  };
  expect(await tried()).toBe(0);
  mended = true;
  expect(await tried()).toBe(1);
});

test.each([
  ['no token', offer('NTLM'), 'in place of a challenge'],
  ['a token that is none', offer('NTLM !!!'), 'in place of a challenge'],
  [
    'a message of another kind',
    offer(`NTLM ${Buffer.from('NTLMSSP\0\u0001\0\0\0'.padEnd(40, '\0'), 'latin1').toString('base64')}`),
    'is no challenge',
  ],
  ['a page', { status: 200, headers: { 'content-type': 'text/html' } }, 'HTTP 200 in place of a challenge'],
])('%s for a challenge is refused', async (_, reply, said) => {
  const fake = await site((message) => (message === 1 ? reply : offer('NTLM')));
  expect(await about(fake)).toMatchObject({ code: 'qlik.protocol', message: expect.stringContaining(said) });
  expect(proofs(fake)).toBe(0);
});

test('Negotiate that answers raw NTLM with nothing takes only Kerberos', async () => {
  const fake = await site(() => offer('Negotiate'));
  expect(await about(fake)).toMatchObject({ code: 'qlik.kerberos_only', retryable: false });
});

test('a login that goes round in circles ends', async () => {
  const fake = await fakeSite(() => ({ status: 302, headers: { location: '/vp/qrs/about' } }));
  open.push(fake);
  expect(await about(fake)).toMatchObject({ code: 'qlik.login_page', message: expect.stringContaining('circles') });
});

test('a form that shows itself again has refused the password, which was sent once', async () => {
  const form = '/vp/internal_forms_authentication/';
  const fake = await fakeSite(({ path }) =>
    path === form
      ? { text: '<form>', headers: { 'content-type': 'text/html' } }
      : { status: 302, headers: { location: `${form}?targetId=1` } },
  );
  open.push(fake);
  expect(await about(fake)).toMatchObject({
    code: 'qlik.password_refused',
    message: expect.stringContaining('login form'),
  });
  const posted = fake.seen.filter(({ method }) => method === 'POST');
  expect(posted.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
    { username: 'CORP\\svc', pwd: 'canary-password' },
  ]);
});
