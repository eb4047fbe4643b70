import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { SignedTokens, signToken } from '#agent/qlik/auth/signed-jwt.ts';
import { openSite, type Site } from '#agent/qlik/site.ts';
import type { SignedTokenLogin } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import { connectionFor, simulate } from '../crawl/simulated.ts';
import { fakeSite, impatience } from './fake-site.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});
const kept = <T extends AsyncDisposable>(one: T): T => {
  open.push(one);
  return one;
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const login: SignedTokenLogin = {
  type: 'signed-jwt',
  key: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  claims: { userId: 'svc', userDirectory: 'CORP' },
  lifetimeMs: 300_000,
};
const decoded = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('a token that the agent signs', () => {
  test('is signed with RS256, good from a minute ago until its lifetime has passed', () => {
    const token = signToken(login, 1_800_000_000_500);
    const [head, body, signature = ''] = token.split('.');
    expect(decoded(head)).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(decoded(body)).toEqual({
      userId: 'svc',
      userDirectory: 'CORP',
      iat: 1_799_999_940,
      nbf: 1_799_999_940,
      exp: 1_800_000_300,
    });
    const good = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${body}`),
      createPublicKey(privateKey),
      Buffer.from(signature, 'base64url'),
    );
    expect(good).toBe(true);
  });

  test('is used again until it has grown old, and never after the clock was set back', () => {
    let now = 1_800_000_000_000;
    const tokens = new SignedTokens(login, () => now);
    const first = tokens.current();
    now += 179_999;
    expect(tokens.current()).toBe(first);
    now += 1;
    const second = tokens.current();
    expect(second).not.toBe(first);
    now -= 10_000;
    expect(tokens.current()).not.toBe(second);
  });

  test('that is refused names the clocks when they are apart', async () => {
    const fake = kept(
      await fakeSite(() => ({ status: 401, headers: { date: new Date(Date.now() - 600_000).toUTCString() } })),
    );
    const site: Site = kept(
      openSite(fake.connection({ authentication: login }), { dialer: new Dialer(), patience: impatience() }),
    );
    await expect(site.about()).rejects.toMatchObject({
      code: 'qlik.unauthorized',
      message: expect.stringMatching(/this machine is \d+ \w+ ahead of its clock/),
    });
  });
});

describe('tickets', () => {
  test('are asked for again when the proxy has forgotten the session', async () => {
    const simulator = kept(await simulate({ profile: 'may-2025' }));
    const { ticket } = simulator.addresses;
    const base = connectionFor(simulator, 'certificate');
    if (base.authentication.type !== 'certificate') throw new Error('no certificate');
    const connection = {
      ...base,
      origin: simulator.addresses.proxyUrl,
      prefix: ticket.prefix,
      engineUrl: ticket.url.replace('https', 'wss'),
      authentication: { ...base.authentication, type: 'ticket' as const, proxyServiceOrigin: ticket.serviceUrl },
    };
    const site = kept(openSite(connection, { dialer: new Dialer(), patience: impatience() }));
    await site.about();
    await site.about();
    expect(simulator.record.proxySessions.total).toBe(1);
    const session = simulator.addresses.user;
    for (const proxy of simulator.virtualProxies) simulator.sessions.logout(session, proxy);
    const [app] = (await site.apps()).rows;
    const opened = await site.openApp(app?.id ?? '');
    await opened.close();
    expect(simulator.record.proxySessions.total).toBe(2);
  });
});
