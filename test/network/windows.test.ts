/** Windows logins against gss-ntlmssp, which is not our code: NTLM, raw NTLM inside Negotiate, the form. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { negotiateMessage, parseChallenge } from '#agent/qlik/auth/ntlm/messages.ts';
import { authenticateMessage, type ProofOptions } from '#agent/qlik/auth/ntlm/proof.ts';
import { openSite, type Site } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import type { SimulatorOptions } from '#test/simulator/options.ts';
import { type Accepted, missingForNtlm, NtlmAcceptor } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { connectionTo, impatience } from '#test/unit/qlik/fake-site.ts';
import { connectionFile, culvert, type Ended, expectTheTruth } from './program.ts';

const missing = missingForNtlm();
const needs = missing === null ? '' : ` (needs: ${missing})`;
// Without the packages nothing below runs: that is a failure where all of them should be, and a skip elsewhere.
test.skipIf(missing !== null && process.env['CI'] === undefined)(`the packages for NTLM are there${needs}`, () => {
  expect(missing, `type: ${missing}`).toBeNull();
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-windows-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missing !== null)(`the messages of NTLM${needs}`, () => {
  let acceptor: NtlmAcceptor;
  let count = 0;
  beforeAll(() => {
    acceptor = new NtlmAcceptor([
      { directory: 'TESTDOM', id: 'alice', password: 'canary-S3cret!pw' },
      { directory: 'TESTDOM', id: 'bob', password: 'canary-pässwörd-€' },
    ]);
  });
  afterAll(() => acceptor?.close());

  const binding = (of: string): Buffer =>
    Buffer.concat([Buffer.from('tls-server-end-point:'), createHash('sha256').update(of).digest()]);

  const logIn = async (
    user: string,
    password: string,
    {
      domain = 'TESTDOM' as Parameters<typeof authenticateMessage>[2]['domain'],
      server = null as Buffer | null,
      spoil = (_message: Buffer): void => undefined,
      options = {} as Partial<ProofOptions>,
    } = {},
  ): Promise<Accepted> => {
    count += 1;
    const connection = `test-${count}`;
    const negotiate = negotiateMessage();
    const second = await acceptor.accept(connection, negotiate.toString('base64'), server);
    if (second.state !== 'continue') return second;
    const proof = authenticateMessage(
      negotiate,
      parseChallenge(Buffer.from(second.token, 'base64')),
      { user, domain, password },
      { targetName: 'HTTP/qlik.example', ...options },
    );
    spoil(proof);
    return await acceptor.accept(connection, proof.toString('base64'), server);
  };

  test('are accepted with the right password, also with one that is not ASCII', async () => {
    const done = { state: 'done', bound: false };
    expect(await logIn('alice', 'canary-S3cret!pw')).toEqual({ ...done, user: 'TESTDOM\\alice' });
    expect(await logIn('bob', 'canary-pässwörd-€')).toEqual({ ...done, user: 'TESTDOM\\bob' });
  });

  test('are refused with a wrong password, and for a user or a domain that is none', async () => {
    expect(await logIn('alice', 'canary-other')).toMatchObject({ state: 'refused' });
    expect(await logIn('carol', 'canary-S3cret!pw')).toMatchObject({ state: 'refused' });
    expect(await logIn('alice', 'canary-S3cret!pw', { domain: 'OTHER' })).toMatchObject({ state: 'refused' });
    // This acceptor wants the domain as its file of users has it, so ours is sent as it was written.
    expect(await logIn('alice', 'canary-S3cret!pw', { domain: 'testdom' })).toMatchObject({ state: 'refused' });
  });

  test('are refused when a byte of the integrity code, or what it covers, was changed on the way', async () => {
    const flip = (at: number) => (message: Buffer) => {
      message.writeUInt8(message.readUInt8(at) ^ 1, at);
    };
    for (const at of [72, 87, 64])
      expect(await logIn('alice', 'canary-S3cret!pw', { spoil: flip(at) }), `byte ${at}`).toMatchObject({
        state: 'refused',
      });
  });

  test('are bound to the TLS connection that they came on', async () => {
    const server = binding('this server');
    const bound = await logIn('alice', 'canary-S3cret!pw', { server, options: { channelBinding: server } });
    expect(bound).toMatchObject({ state: 'done', bound: true });
    const unbound = await logIn('alice', 'canary-S3cret!pw', { server });
    expect(unbound).toMatchObject({ state: 'done', bound: false });
    const passedOn = await logIn('alice', 'canary-S3cret!pw', {
      server,
      options: { channelBinding: binding('somebody between') },
    });
    expect(passedOn).toMatchObject({ state: 'refused' });
  });
});

const start = (options: SimulatorOptions = {}): Promise<Simulator> =>
  startSimulator({ seed: 7, apps: 6, folder: join(folder, 'pki'), ...options });

const windowsLogin = ({ addresses: { windows } }: Simulator, more = '', password = windows?.password): string =>
  `url = "${windows?.url}"
  auth { username = """${windows?.username}""", password = "${password}"${more} }`;

const failing = async (simulator: Simulator, connection: string): Promise<Ended & { text: string }> => {
  const file = connectionFile(folder, simulator, connection);
  const ended = await culvert('crawl', file, '--out', join(folder, 'none.ndjson'));
  expect(ended.status).toBe(1);
  expect(ended.err).not.toContain('canary-');
  return { ...ended, text: ended.err.replaceAll(/\s+/g, ' ') };
};

describe.skipIf(missing !== null)(`culvert crawl by Windows authentication${needs}`, () => {
  describe.each(['november-2021', 'may-2025'] as const)('%s', (profile) => {
    test.each(['both', 'ntlm', 'negotiate'] as const)(
      'crawls the whole site in one session, bound to TLS, where the proxy offers: %s',
      async (offers) => {
        await using simulator = await start({ profile, windows: { offers, demandsBinding: true } });
        await expectTheTruth(folder, simulator, windowsLogin(simulator));
        expect(simulator.windowsLogins).toEqual([
          {
            way: offers === 'negotiate' ? 'Negotiate' : 'NTLM',
            user: simulator.addresses.windows?.username,
            bound: true,
            reason: null,
          },
        ]);
        expect(simulator.record.proxySessions.total).toBe(1);
      },
    );

    test.each([
      ['where the pattern is another', { pattern: 'Chrome' }, ''],
      ['where only Kerberos is taken', { offers: 'kerberos' }, ''],
      ['when told so', {}, ', method = forms'],
    ] as const)('crawls the whole site by the form %s', async (_, windows, more) => {
      await using simulator = await start({ profile, windows });
      await expectTheTruth(folder, simulator, windowsLogin(simulator, more));
      const good = simulator.windowsLogins.filter(({ user }) => user !== null);
      expect(good).toMatchObject([{ way: 'form', user: simulator.addresses.windows?.username }]);
      expect(simulator.record.proxySessions.total).toBe(1);
    });
  });

  test('crawls the whole site through a proxy: the login keeps to one tunnel, and is bound to what is behind it', async () => {
    await using simulator = await start({ windows: { demandsBinding: true } });
    let tunnels = 0;
    const proxy = createServer().on('connect', (request, socket, head) => {
      tunnels += 1;
      const [host = '', port = ''] = (request.url ?? '').split(':');
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.write(head);
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      const block = `proxy { scheme = http, hostname = "127.0.0.1", port = ${port} }\n`;
      await expectTheTruth(folder, simulator, windowsLogin(simulator), block);
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
    expect(tunnels).toBeGreaterThan(1);
    expect(simulator.windowsLogins).toMatchObject([{ way: 'NTLM', bound: true }]);
  });

  test('a wrong password is sent once, and never again by the same crawl', async () => {
    for (const [windows, way] of [
      [{}, 'NTLM'],
      [{ pattern: 'Chrome' }, 'form'],
    ] as const) {
      await using simulator = await start({ windows });
      const { text } = await failing(simulator, windowsLogin(simulator, '', 'canary-wrong'));
      expect(text).toContain('refused the user or the password');
      expect(text).toContain('not tried again for half an hour');
      expect(simulator.windowsLogins).toMatchObject([{ way, user: null }]);
    }
  });

  test('a site that takes only Kerberos is called so, with the ways out', async () => {
    for (const [windows, more] of [
      [{ offers: 'kerberos', forms: false }, ''],
      [{ offers: 'kerberos' }, ', method = ntlm'],
    ] as const) {
      await using simulator = await start({ windows });
      const { text } = await failing(simulator, windowsLogin(simulator, more));
      expect(text).toContain('qlik.kerberos_only');
      expect(text).toContain('culvert jwt init');
    }
  });

  test('a virtual proxy without Windows authentication is called so', async () => {
    await using simulator = await start();
    const { header, windows } = simulator.addresses;
    const { text } = await failing(
      simulator,
      windowsLogin(simulator, ', method = ntlm').replace(windows?.url ?? '', header.url),
    );
    expect(text).toContain('qlik.login_page');
  });

  const openBy = (
    simulator: Simulator,
    dialer: Dialer,
    more: Partial<Connection> & { password?: string } = {},
  ): Site => {
    const { addresses } = simulator;
    const wss = addresses.proxyUrl.replace(/^http/, 'ws');
    const { directory, id } = addresses.user;
    return openSite(
      {
        ...connectionTo(addresses.proxyUrl),
        prefix: 'windows',
        engineUrl: `${wss}/windows`,
        authentication: {
          type: 'windows',
          domain: directory,
          user: id,
          password: new Secret(more.password ?? addresses.windows?.password ?? ''),
          method: 'auto',
        },
        tls: {
          ...connectionTo(addresses.proxyUrl).tls,
          extraAuthorities: [readFileSync(addresses.certificates.rootPath, 'utf8')],
        },
        ...more,
      },
      { dialer, patience: impatience() },
    );
  };

  test('a refused password is not sent again by later crawls of the agent, until the file changes', async () => {
    await using simulator = await start();
    const dialer = new Dialer();
    const unauthorized = expect.objectContaining({ code: 'qlik.password_refused' });
    for (let crawl = 0; crawl < 3; crawl += 1) {
      await using site = openBy(simulator, dialer, { password: 'canary-wrong' });
      const tries = await Promise.allSettled([site.about(), site.apps(), site.about()]);
      expect(tries).toEqual(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: unauthorized })));
    }
    expect(simulator.windowsLogins.length).toBe(1);
    await using edited = openBy(simulator, dialer, { contentHash: '1'.repeat(64) });
    await edited.about();
    expect(simulator.windowsLogins.map(({ user }) => user)).toEqual([null, 'CORP\\svc_catalog']);
  });

  test('a session that the proxy has forgotten is opened by a new login, also for a WebSocket', async () => {
    await using simulator = await start();
    await using site = openBy(simulator, new Dialer());
    const [app] = (await site.apps()).rows;
    const forget = (): void => {
      for (const proxy of simulator.virtualProxies) simulator.sessions.logout(simulator.addresses.user, proxy);
    };
    forget();
    await site.about();
    expect(simulator.windowsLogins.length).toBe(2);
    forget();
    await (await site.openApp(app?.id ?? '')).close();
    expect(simulator.windowsLogins.length).toBe(3);
    expect(simulator.record.proxySessions.total).toBe(3);
  });
});
