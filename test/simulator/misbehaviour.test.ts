/** What goes wrong on real sites, each switch on and off: statuses, pages and notices as a client gets them. */
import { connect, type PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { FaultSettings } from './faults.ts';
import { SERVER_CERTIFICATES, type ServerCertificate } from './pki.ts';
import { type Answered, ask, askQrs, bootstrap, cookieOf, headerOf, RawSocket, XRFKEY } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import { signToken } from './tokens.ts';

const small = { seed: 21, apps: 8 } as const;

const qrs = (simulator: Simulator, path: string, headers = headerOf(simulator), url = simulator.addresses.header.url) =>
  ask(simulator, `${url}${path}${path.includes('?') ? '&' : '?'}xrfkey=${XRFKEY}`, {
    headers: { 'X-Qlik-Xrfkey': XRFKEY, ...headers },
  });
const countOf = (answered: Answered): number => (answered.json as { value: number }).value;
/** What the upgrade through the virtual proxy `header` was answered. */
const upgraded = async (simulator: Simulator, set: Partial<FaultSettings>): Promise<string> => {
  const known = await bootstrap(simulator);
  simulator.faults.set(set);
  try {
    await using _ = await RawSocket.proxied(simulator, '/app/engineData', known);
    return '101';
  } catch (error) {
    return (error as Error).message;
  } finally {
    simulator.faults.clear();
  }
};
/** The first notice of a socket that is closed by the site. */
const noticeOf = async (simulator: Simulator, set: Partial<FaultSettings>): Promise<string | undefined> => {
  simulator.faults.set(set);
  const socket = await RawSocket.proxied(simulator, '/app/engineData');
  await socket.closed;
  simulator.faults.clear();
  return socket.frames[0]?.method;
};

describe('tokens that a virtual proxy does not take', () => {
  const tokenOf = (simulator: Simulator, claims: Readonly<Record<string, unknown>>): Record<string, string> => ({
    Authorization: `Bearer ${simulator.token(undefined, claims)}`,
  });
  const statusOf = async (simulator: Simulator, headers: Record<string, string>): Promise<number> =>
    (await qrs(simulator, '/qrs/about', headers, simulator.addresses.jwt.url)).status;
  const nowSeconds = (): number => Math.floor(Date.now() / 1000);

  it('are those whose time is over or to come, without a claim, or signed otherwise; any audience will do', async () => {
    await using simulator = await startSimulator(small);
    expect(await statusOf(simulator, tokenOf(simulator, {}))).toBe(200);
    expect(await statusOf(simulator, tokenOf(simulator, { aud: 'somebody else' }))).toBe(200);
    expect(await statusOf(simulator, tokenOf(simulator, { exp: nowSeconds() - 60 }))).toBe(401);
    expect(await statusOf(simulator, tokenOf(simulator, { nbf: nowSeconds() + 600 }))).toBe(401);
    expect(await statusOf(simulator, tokenOf(simulator, { userDirectory: undefined }))).toBe(401);
    const stranger = signToken(simulator.pki.clientKeyPem, { userId: 'svc_catalog', userDirectory: 'CORP' });
    expect(await statusOf(simulator, { Authorization: `Bearer ${stranger}` })).toBe(401);
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none' })}.${part({ userId: 'svc_catalog', userDirectory: 'CORP' })}.`;
    expect(await statusOf(simulator, { Authorization: `Bearer ${unsigned}` })).toBe(401);
    expect(simulator.record.proxySessions.total).toBe(2);
  });

  it('are answered as the switch has it', async () => {
    await using simulator = await startSimulator(small);
    const late = tokenOf(simulator, { exp: nowSeconds() - 60 });
    simulator.faults.set({ tokenRefusal: 'bad-request' });
    expect(await statusOf(simulator, late)).toBe(400);
    simulator.faults.set({ tokenRefusal: 'login' });
    expect(await statusOf(simulator, late)).toBe(302);
  });

  it('are judged by the clock of the site, which its answers tell', async () => {
    await using simulator = await startSimulator({ ...small, faults: { clockSkewMs: -3_600_000 } });
    const fresh = tokenOf(simulator, { nbf: nowSeconds() });
    const answered = await qrs(simulator, '/qrs/about', fresh, simulator.addresses.jwt.url);
    expect(answered.status).toBe(401);
    const behindMs = Date.now() - Date.parse(String(answered.headers.date));
    expect(behindMs).toBeGreaterThan(3_500_000);
    simulator.faults.set({ clockSkewMs: 0 });
    expect(await statusOf(simulator, fresh)).toBe(200);
  });
});

describe('people who are not let in', () => {
  it('lack the header, and are sent to log in or told that it is incorrect', async () => {
    await using simulator = await startSimulator(small);
    expect((await qrs(simulator, '/qrs/about', { 'X-Other': 'CORP\\svc_catalog' })).status).toBe(302);
    simulator.faults.set({ headerMissing: 'incorrect' });
    expect((await qrs(simulator, '/qrs/about', { 'X-Other': 'CORP\\svc_catalog' })).status).toBe(400);
    expect((await qrs(simulator, '/qrs/about')).status).toBe(200);
  });

  it('are inactive in the QMC: 403 after a good login', async () => {
    await using simulator = await startSimulator({ ...small, faults: { inactiveUsers: true } });
    const answered = await qrs(simulator, '/qrs/about');
    expect(answered.status).toBe(403);
    expect(answered.text).toContain('inactive');
    expect(simulator.record.proxySessions.total).toBe(0);
  });

  it('lose their cookie to a machine between', async () => {
    await using simulator = await startSimulator({ ...small, faults: { cookies: false } });
    const answered = await qrs(simulator, '/qrs/about');
    expect([answered.status, cookieOf(answered)]).toEqual([200, '']);
  });

  it('belong to an identity provider', async () => {
    await using simulator = await startSimulator({ ...small, identityProviders: ['saml', 'oidc'] });
    const sentTo = async (prefix: string): Promise<string> => {
      const url = `${simulator.addresses.proxyUrl}/${prefix}`;
      const answered = await qrs(simulator, '/qrs/about', {}, url);
      expect(answered.status).toBe(302);
      return String(answered.headers.location);
    };
    expect(await sentTo('saml')).toMatch(/^https:\/\/idp\.example\.test\/adfs\/ls\/\?SAMLRequest=/);
    expect(await sentTo('oidc')).toMatch(/^https:\/\/idp\.example\.test\/oauth2\/authorize\?client_id=/);
  });

  it('get no ticket when the proxy service refuses', async () => {
    await using simulator = await startSimulator({ ...small, faults: { httpErrors: [{ on: 'ticket', status: 403 }] } });
    const answered = await ask(
      simulator,
      `${simulator.addresses.ticket.serviceUrl}/qps/ticket/ticket?xrfkey=${XRFKEY}`,
      {
        method: 'POST',
        certificate: true,
        headers: { 'X-Qlik-Xrfkey': XRFKEY },
        body: JSON.stringify({ UserDirectory: 'CORP', UserId: 'svc_catalog' }),
      },
    );
    expect(answered.status).toBe(403);
  });
});

describe('the repository', () => {
  it('refuses keys against cross-site requests, on both routes', async () => {
    await using simulator = await startSimulator({ ...small, faults: { xrfkeyRefused: true } });
    expect((await qrs(simulator, '/qrs/about')).status).toBe(400);
    expect((await askQrs(simulator, '/qrs/about')).status).toBe(400);
  });

  it('refuses some lists, and shows nothing in others', async () => {
    await using simulator = await startSimulator(small);
    simulator.faults.set({ forbiddenLists: ['dataconnection', 'app/object'], emptyLists: ['user'] });
    expect((await qrs(simulator, '/qrs/dataconnection/full')).status).toBe(403);
    expect((await qrs(simulator, '/qrs/app/object/count')).status).toBe(403);
    expect(countOf(await qrs(simulator, '/qrs/user/count'))).toBe(0);
    expect((await qrs(simulator, '/qrs/user/full')).json).toEqual([]);
    expect(countOf(await qrs(simulator, '/qrs/app/count'))).toBe(8);
  });

  it('refuses to filter by some properties', async () => {
    await using simulator = await startSimulator({ ...small, faults: { refusedFilters: ['tags.id'] } });
    const id = '00000000-0000-4000-8000-000000000001';
    const asked = (filter: string) => qrs(simulator, `/qrs/app/count?filter=${encodeURIComponent(filter)}`);
    expect((await asked(`name eq 'x' or not (tags.id eq ${id})`)).status).toBe(400);
    expect((await asked(`tags.name eq 'x'`)).status).toBe(200);
  });

  it('shows no apps, and then the engine opens none', async () => {
    await using simulator = await startSimulator({ ...small, faults: { emptyLists: ['app'] } });
    expect(countOf(await qrs(simulator, '/qrs/app/count'))).toBe(0);
    await using socket = await RawSocket.direct(simulator, '/app/engineData');
    const [app] = simulator.site.apps;
    const answered = await socket.call('OpenDoc', -1, { qDocName: app?.id ?? '', qNoData: true });
    expect(answered.error?.code).toBe(5);
  });

  it('is away while the proxy is up; from the start its port is closed', async () => {
    await using simulator = await startSimulator(small);
    simulator.faults.set({ servicesDown: ['repository'] });
    expect((await qrs(simulator, '/qrs/about')).status).toBe(503);
    await expect(askQrs(simulator, '/qrs/about')).rejects.toThrow(/ECONNRESET|socket/);
    simulator.faults.clear();
    expect((await askQrs(simulator, '/qrs/about')).status).toBe(200);
    await using closed = await startSimulator({ ...small, faults: { servicesDown: ['repository', 'engine'] } });
    await expect(askQrs(closed, '/qrs/about')).rejects.toThrow('ECONNREFUSED');
    await expect(RawSocket.direct(closed, '/app/engineData')).rejects.toThrow('ECONNREFUSED');
  });

  it('answers what something on the way has spoiled', async () => {
    await using simulator = await startSimulator(small);
    const spoilt = async (as: 'login-page' | 'truncated' | 'garbage' | 'empty'): Promise<Answered> => {
      simulator.faults.set({ spoiled: [{ path: '/qrs/about', as }] });
      const answered = await qrs(simulator, '/qrs/about');
      expect(answered.status).toBe(200);
      expect(answered.json).toBeUndefined();
      return answered;
    };
    expect((await spoilt('login-page')).headers['content-type']).toContain('text/html');
    expect((await spoilt('truncated')).text).toMatch(/^\{"/);
    expect((await spoilt('garbage')).headers['content-type']).toContain('application/json');
    expect((await spoilt('empty')).text).toBe('');
  });
});

describe('sockets through the proxy', () => {
  it('are refused for a token or an Origin that is not good, or answered as by a machine between', async () => {
    await using simulator = await startSimulator(small);
    expect(await upgraded(simulator, {})).toBe('101');
    expect(await upgraded(simulator, { csrfToken: 'refused' })).toBe('403');
    expect(await upgraded(simulator, { allowedOrigins: ['qlik.example.test'] })).toBe('403');
    expect(await upgraded(simulator, { upgradeStatus: 426 })).toBe('426');
    expect(await upgraded(simulator, { allowedHosts: ['qlik.example.test'] })).toBe('400');
  });

  it('need a token that is not given', async () => {
    await using simulator = await startSimulator({ ...small, faults: { csrfToken: 'missing' } });
    const answered = await ask(simulator, `${simulator.addresses.header.url}/qps/csrftoken`, {
      headers: headerOf(simulator),
    });
    expect(answered.status).toBe(204);
    expect(answered.headers).not.toHaveProperty('qlik-csrf-token');
    expect(cookieOf(answered)).not.toBe('');
  });

  it('are told why they may not go on', async () => {
    await using simulator = await startSimulator(small);
    const topic = 'OnLicenseAccessDeniedPendingUserSync';
    expect(await noticeOf(simulator, { socketNotice: topic })).toBe(topic);
    expect(await noticeOf(simulator, { sessionsInUse: 5 })).toBe('OnMaxParallelSessionsExceeded');
    expect(await noticeOf(simulator, { servicesDown: ['engine'] })).toBe('OnNoEngineAvailable');
  });

  it('hear nothing from an engine that is silent', async () => {
    await using simulator = await startSimulator({ ...small, faults: { engineSilent: true } });
    await using socket = await RawSocket.proxied(simulator, '/app/engineData');
    socket.send('EngineVersion');
    await qrs(simulator, '/qrs/about');
    expect(socket.frames).toEqual([]);
  });
});

it("tells the engine's own clients why they may not go on", async () => {
  await using simulator = await startSimulator({ ...small, faults: { sessionState: 'SESSION_ERROR_LIMIT_EXCEEDED' } });
  const socket = await RawSocket.direct(simulator, '/app/engineData');
  await socket.closed;
  expect(socket.frames[0]?.params).toEqual({ qSessionState: 'SESSION_ERROR_LIMIT_EXCEEDED' });
});

describe('certificates', () => {
  /** What the handshake says to a client that trusts `root.pem`: the error's code, or how long the chain is. */
  const handshake = (simulator: Simulator): Promise<string> =>
    new Promise((resolve) => {
      const { port } = new URL(simulator.addresses.proxyUrl);
      const socket = connect({
        host: '127.0.0.1',
        port: Number(port),
        servername: 'localhost',
        ca: simulator.pki.rootPem,
      });
      socket.once('secureConnect', () => {
        const leaf = socket.getPeerCertificate(true);
        const issuer: PeerCertificate | undefined = leaf.issuerCertificate;
        resolve(`good, by ${issuer?.subject.CN}`);
        socket.destroy();
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  const expected: Readonly<Record<ServerCertificate, string>> = {
    valid: 'good, by qlik-simulator-CA',
    expired: 'CERT_HAS_EXPIRED',
    'not-yet-valid': 'CERT_NOT_YET_VALID',
    'wrong-host': 'ERR_TLS_CERT_ALTNAME_INVALID',
    intermediate: 'good, by qlik-simulator-intermediate-CA',
    'missing-intermediate': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'other-authority': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    intercepted: 'SELF_SIGNED_CERT_IN_CHAIN',
    'self-signed': 'DEPTH_ZERO_SELF_SIGNED_CERT',
  };
  it.each(SERVER_CERTIFICATES)('of the server: %s', async (certificate) => {
    await using simulator = await startSimulator({ ...small, certificate });
    expect(await handshake(simulator)).toBe(expected[certificate]);
  });

  it.each([
    ['valid', 200],
    ['expired', 403],
    ['other-authority', 403],
  ] as const)('of the client: %s', async (kind, status) => {
    await using simulator = await startSimulator(small);
    const pair = simulator.pki.client(kind);
    const answered = await askQrs(simulator, '/qrs/about', { pair });
    expect(answered.status).toBe(status);
  });
});
