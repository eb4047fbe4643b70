import { createServer as createHttp } from 'node:http';
import { connect, createServer as createTcp, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { authorityFile } from '#agent/network/probe/authority-file.ts';
import type { ProbeSystem } from '#agent/network/probe/system.ts';
import { thisMachine } from '#agent/network/probe/system.ts';
import type { ProxyChoice, ProxyServer } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import { Authority } from '../authority.ts';
import { connectProxy, type FakeProxy, type ProxyOptions, socksProxy } from '../proxies.ts';
import { inDays, probe, Served, statuses, stepOf, verdict } from './served.ts';

const root = new Authority('Corp Root', { notAfter: inDays(90) });
const NAME = 'qlik.only-the-proxy-knows.test';
const leaf = root.issue({ name: 'q', dns: ['localhost', NAME], addresses: ['127.0.0.1'], notAfter: inDays(90) });
const tls = { extraAuthorities: [root.certificate] };

const served = new Served();
const proxies: FakeProxy[] = [];
afterEach(async () => {
  served.close();
  await Promise.all(proxies.splice(0).map((proxy) => proxy[Symbol.asyncDispose]()));
});
const kept = async (starting: Promise<FakeProxy>): Promise<FakeProxy> => {
  const proxy = await starting;
  proxies.push(proxy);
  return proxy;
};

const broken = (code: string): Error => Object.assign(new Error(`getaddrinfo ${code}`), { code });
const addresses = (...list: readonly string[]) =>
  list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
/** A machine that resolves and connects as the test wants. */
const machine = (changes: Partial<ProbeSystem>): ProbeSystem => ({
  ...thisMachine,
  hostsFile: () => Promise.resolve(''),
  ...changes,
});
/** A socket to nowhere, as behind a firewall that drops packets. */
const blackHole = (): Socket => new Socket();
const failing = (code: string): Socket => {
  const socket = new Socket();
  setImmediate(() => socket.destroy(broken(code)));
  return socket;
};

describe('DNS', () => {
  test.each([
    ['ENOTFOUND', 'network.dns', /DNS answers, and does not know it/],
    ['EAI_NODATA', 'network.dns', /DNS answers/],
    ['EAI_AGAIN', 'network.dns_unavailable', /gives no answer/],
  ])('%s is %s, and what follows is skipped', async (code, expected, advice) => {
    const system = machine({ lookup: () => Promise.reject(broken(code)) });
    const found = await probe('https://qlik.corp.example', { system });
    expect(statuses(found)).toBe('dns fail, tcp skip, proxy skip, tls skip');
    expect(stepOf(found, 'dns').fault).toMatchObject({ code: expected, advice: expect.stringMatching(advice) });
    expect(stepOf(found, 'tls').seen).toBe('Not tried: dns failed.');
  });

  test('a name of the reserved domain has no address in the real world', async () => {
    const { fault } = stepOf(await probe('https://qlik.example.invalid'), 'dns');
    expect(fault?.code).toMatch(/^network\.dns/);
    expect(fault?.message).toContain('qlik.example.invalid:443');
  });

  test('a resolver that never answers is given up', async () => {
    const system = machine({ lookup: () => new Promise(() => undefined) });
    const { fault } = stepOf(await probe('https://qlik.corp.example', { system, namesMs: 20 }), 'dns');
    expect(fault?.code).toBe('network.dns_unavailable');
  });

  test('advice names the setting: with a dot, without, of the link', async () => {
    const system = machine({ lookup: () => Promise.reject(broken('ENOTFOUND')) });
    const advice = async (host: string, speaks: 'connection' | 'link'): Promise<string> =>
      stepOf(await probe(`https://${host}`, { system, speaks }), 'dns').fault?.advice ?? '';
    expect(await advice('qlik.corp.example', 'connection')).toContain('`connection.url`');
    expect(await advice('qlik.corp.example', 'link')).toContain('`gateway.url`');
    expect(await advice('qlikserver', 'connection')).toContain('qlikserver.example.com');
  });

  test('an address needs no DNS', async () => {
    const system = machine({
      lookup: () => Promise.reject(new Error('asked')),
      connect: () => failing('ECONNREFUSED'),
    });
    for (const host of ['10.1.2.3', '[2001:db8::1]'])
      expect(statuses(await probe(`https://${host}`, { system }))).toMatch(/^dns skip, tcp fail/);
  });

  test('all addresses are listed, and what deserves a remark', async () => {
    const remarks = async (host: string, changes: Partial<ProbeSystem>): Promise<string> => {
      const system = machine({ connect: () => failing('ECONNREFUSED'), ...changes });
      const { seen, details } = stepOf(await probe(`https://${host}`, { system }), 'dns');
      return [seen, ...details].join('\n');
    };
    const both = await remarks('qlik.corp.example', {
      lookup: () => Promise.resolve(addresses('10.0.0.1', '2001:db8::1')),
    });
    expect(both).toMatch(/^qlik\.corp\.example is 10\.0\.0\.1, 2001:db8::1 \(\d+ ms\)\.$/);
    const hosts = await remarks('qlik.corp.example', {
      lookup: () => Promise.resolve(addresses('10.0.0.1')),
      hostsFile: () => Promise.resolve('# 1.2.3.4 qlik.corp.example\n10.0.0.1\tQLIK.corp.example qlik # ours\n'),
    });
    expect(hosts).toContain('stands in the hosts file of this machine (10.0.0.1)');
    expect(hosts).not.toContain('1.2.3.4');
    const six = await remarks('qlik.corp.example', { lookup: () => Promise.resolve(addresses('2001:db8::1')) });
    expect(six).toContain('IPv6 addresses only');
    const blocked = await remarks('qlik.corp.example', { lookup: () => Promise.resolve(addresses('0.0.0.0')) });
    expect(blocked).toContain('a DNS filter');
    const local = await remarks('qlik.corp.example', { lookup: () => Promise.resolve(addresses('127.0.0.1')) });
    expect(local).toContain('leads to this machine itself');
    const searched = await remarks('qlikserver', {
      lookup: (name) =>
        name.endsWith('.') ? Promise.reject(broken('ENOTFOUND')) : Promise.resolve(addresses('10.0.0.1')),
    });
    expect(searched).toContain('qlikserver is found only with a search domain');
    const top = await remarks('qlikserver', { lookup: () => Promise.resolve(addresses('10.0.0.1')) });
    expect(top).not.toContain('search domain');
  });
});

describe('TCP', () => {
  const lookup = () => Promise.resolve(addresses('10.0.0.1', '10.0.0.2'));

  test.each([
    ['ECONNREFUSED', 'network.refused'],
    ['EHOSTUNREACH', 'network.unreachable'],
    ['ENETUNREACH', 'network.unreachable'],
    ['ETIMEDOUT', 'network.timeout'],
  ])('%s is %s', async (code, expected) => {
    const found = await probe('https://10.0.0.1', { system: machine({ connect: () => failing(code) }) });
    expect(statuses(found)).toBe('dns skip, tcp fail, proxy skip, tls skip');
    expect(stepOf(found, 'tcp').fault?.code).toBe(expected);
  });

  test('nobody at the port of this machine', async () => {
    const port = await served.listen(createTcp());
    served.close();
    const { fault } = stepOf(await probe(`https://localhost:${port}`), 'tcp');
    expect(fault?.code).toBe('network.refused');
    expect(fault?.message).toContain(`localhost:${port}`);
  });

  test('packets that are dropped are a timeout, not a refusal', async () => {
    const system = machine({ connect: blackHole });
    const { fault } = stepOf(await probe('https://10.0.0.1:4242', { system, timeoutMs: 30 }), 'tcp');
    expect(fault).toMatchObject({ code: 'network.timeout', advice: expect.stringContaining('drops packets') });
  });

  test('addresses are tried in turn until one answers: one that is dead before that is told', async () => {
    const port = await served.tls(leaf);
    const dialled: string[] = [];
    const system = machine({
      lookup: () => Promise.resolve(addresses('10.0.0.2', '10.0.0.1', '10.0.0.3')),
      connect: (host, to) => {
        dialled.push(`${host}:${to}`);
        return host === '10.0.0.2' ? failing('ECONNREFUSED') : connect(port, '127.0.0.1');
      },
    });
    const { status, details, fault } = stepOf(await probe(`https://qlik.corp.example:${port}`, { system, tls }), 'tcp');
    expect(status).toBe('pass');
    expect(dialled.slice(0, 2)).toEqual([`10.0.0.2:${port}`, `10.0.0.1:${port}`]);
    expect(details).toEqual([
      '10.0.0.2: refused',
      expect.stringMatching(/^10\.0\.0\.1: connected from 127\.0\.0\.1 /),
      'not tried: 10.0.0.3',
    ]);
    expect(fault?.code).toBe('network.refused');
    const none = machine({ lookup, connect: (host) => (host === '10.0.0.2' ? blackHole() : failing('EHOSTUNREACH')) });
    const dead = stepOf(await probe('https://qlik.corp.example', { system: none, timeoutMs: 30 }), 'tcp');
    expect(dead.fault?.code).toBe('network.unreachable');
    expect(dead.details).toEqual([
      expect.stringMatching(/^10\.0\.0\.1: there is no route/),
      '10.0.0.2: no answer (packets are dropped)',
    ]);
  });

  test('whoever controls the name has three addresses dialled at most, at the port of the connection', async () => {
    const dialled: string[] = [];
    const system = machine({
      lookup: () => Promise.resolve(addresses('10.0.0.1', '10.0.0.2', 'fd00::1', '10.0.0.3', '10.0.0.4')),
      connect: (host, port) => {
        dialled.push(`${host}:${port}`);
        return failing('ECONNREFUSED');
      },
    });
    const { fault, details } = stepOf(await probe('https://qlik.corp.example:4242', { system }), 'tcp');
    expect(fault?.code).toBe('network.refused');
    expect(dialled).toEqual(['10.0.0.1:4242', 'fd00::1:4242', '10.0.0.2:4242']);
    expect(details.at(-1)).toBe('not tried: 10.0.0.3, 10.0.0.4');
  });

  test('IPv6 addresses alone, on a machine without IPv6', async () => {
    const system = machine({
      lookup: () => Promise.resolve(addresses('2001:db8::1')),
      connect: () => failing('ENETUNREACH'),
    });
    const { fault } = stepOf(await probe('https://qlik.corp.example', { system }), 'tcp');
    expect(fault).toMatchObject({ code: 'network.unreachable', advice: expect.stringContaining('IPv4') });
  });
});

const choice = (port: number, more: Partial<ProxyServer> = {}): ProxyChoice => ({
  type: 'fixed',
  proxy: {
    scheme: 'http',
    hostname: 'localhost',
    port,
    username: undefined,
    password: undefined,
    extraAuthorities: [],
    from: 'proxy.hostname',
    ...more,
  },
});

describe('through a proxy', () => {
  const way = async (options: ProxyOptions = {}): Promise<{ port: number; proxy: FakeProxy }> => {
    const port = await served.tls(leaf);
    return { port, proxy: await kept(connectProxy({ names: { [NAME]: port }, ...options })) };
  };

  test.each(['http', 'socks5'] as const)(
    '%s: this machine dials the proxy, which resolves the name',
    async (scheme) => {
      const port = await served.tls(leaf);
      const names = { [NAME]: port };
      const proxy = await kept(scheme === 'http' ? connectProxy({ names }) : socksProxy({ names }));
      const found = await probe(`https://${NAME}`, { tls, proxy: choice(proxy.port, { scheme }) });
      expect(statuses(found)).toBe('dns pass, tcp pass, proxy pass, tls pass');
      expect(stepOf(found, 'dns').seen).toContain('localhost (the proxy) is ');
      expect(stepOf(found, 'dns').details.join()).toContain(`${NAME} is resolved by the proxy`);
      expect(stepOf(found, 'tcp').seen).toContain(`port ${proxy.port} (the proxy)`);
      expect(stepOf(found, 'proxy').seen).toContain(`${scheme} proxy localhost:${proxy.port} (proxy.hostname)`);
      expect(proxy.asked).toEqual([`${NAME}:443`]);
      expect(served.bytes).toBe(0);
    },
  );

  test('who named the proxy: the file or a variable; and why there is none', async () => {
    const { port, proxy } = await way();
    const fixed = choice(proxy.port, { from: 'https_proxy' });
    const server = fixed.type === 'fixed' ? fixed.proxy : undefined;
    const environment = (except: readonly string[]): ProxyChoice => ({
      type: 'environment',
      secure: server,
      plain: undefined,
      except,
    });
    const found = await probe(`https://${NAME}`, { tls, proxy: environment([]) });
    expect(stepOf(found, 'proxy').seen).toContain('(https_proxy)');
    const system = machine({ lookup: () => Promise.reject(broken('ENOTFOUND')) });
    const exempt = await probe(`https://${NAME}`, { tls, proxy: environment(['.test']), system });
    expect(stepOf(exempt, 'dns').fault?.code).toBe('network.dns');
    const direct = await probe(`https://localhost:${port}`, { tls, proxy: environment(['.test']) });
    expect(stepOf(direct, 'proxy')).toMatchObject({ status: 'skip', seen: expect.stringContaining('on this machine') });
  });

  test.each([
    ['HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', 'proxy.auth_required'],
    ['HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n', 'proxy.ntlm_only'],
    ['HTTP/1.1 403 No\r\n\r\n', 'proxy.refused'],
    ['HTTP/1.1 502 No\r\n\r\n', 'proxy.target_unreachable'],
  ])('a refusal (%j) is the proxy’s step: %s', async (refusal, code) => {
    const { proxy } = await way({ refusal });
    const found = await probe(`https://${NAME}`, { tls, proxy: choice(proxy.port) });
    expect(statuses(found)).toBe('dns pass, tcp pass, proxy fail, tls skip');
    expect(stepOf(found, 'proxy').fault?.code).toBe(code);
  });

  test('a proxy without address, or with nobody at its port, is named with who named it', async () => {
    const lost = choice(3128, { hostname: 'proxy.example.invalid', from: 'HTTPS_PROXY' });
    const dns = stepOf(await probe(`https://${NAME}`, { proxy: lost }), 'dns');
    expect(dns.fault?.code).toBe('proxy.unreachable');
    expect(dns.seen).toContain('HTTPS_PROXY');
    const port = await served.listen(createTcp());
    served.close();
    const tcp = stepOf(await probe(`https://${NAME}`, { proxy: choice(port, { from: 'HTTPS_PROXY' }) }), 'tcp');
    expect(tcp.fault).toMatchObject({ code: 'proxy.unreachable', advice: expect.stringContaining('HTTPS_PROXY') });
  });

  test('credentials are used and never shown', async () => {
    const { proxy } = await way({ user: { name: 'agent', password: 'canary-password' } });
    const login = { username: 'agent', password: new Secret('canary-password') };
    const found = await probe(`https://${NAME}`, { tls, proxy: choice(proxy.port, login) });
    expect(statuses(found)).toBe('dns pass, tcp pass, proxy pass, tls pass');
    // Its name is for a person at this machine only.
    expect(stepOf(found, 'proxy').seen).toMatch(/ with a log-in /);
    const wrong = await probe(`https://${NAME}`, {
      tls,
      proxy: choice(proxy.port, { ...login, password: new Secret('canary-wrong') }),
    });
    expect(stepOf(wrong, 'proxy').fault?.code).toBe('proxy.auth_refused');
    expect(JSON.stringify([found, wrong])).not.toContain('canary');
  });

  test('the chain of an https proxy that nobody trusts is shown, and can be saved for proxy.tls.truststore.path', async () => {
    const front = new Authority('Authority of the proxy', { notAfter: inDays(90) });
    const port = await served.tls(leaf);
    const issued = front.issue({ name: 'localhost', dns: ['localhost'] });
    const proxy = await kept(connectProxy({ names: { [NAME]: port }, tls: issued }));
    const secure = (extraAuthorities: readonly string[]): ProxyChoice =>
      choice(proxy.port, { scheme: 'https', extraAuthorities });
    const found = await probe(`https://${NAME}`, { tls, proxy: secure([]) });
    expect(statuses(found)).toBe('dns pass, tcp pass, proxy fail, tls skip');
    expect(stepOf(found, 'proxy').fault?.code).toBe('proxy.tls_untrusted');
    expect(stepOf(found, 'proxy').details.join()).toContain(
      'proxy, server: CN=localhost; issued by CN=Authority of the',
    );
    expect(authorityFile(found, NAME)).toContain(`shown by:    localhost:${proxy.port}, the proxy`);
    expect(statuses(await probe(`https://${NAME}`, { tls, proxy: secure([front.certificate]) }))).toMatch(/tls pass$/);
    const plain = await kept(connectProxy());
    const wrong = await probe(`https://${NAME}`, { tls, proxy: choice(plain.port, { scheme: 'https' }) });
    expect(stepOf(wrong, 'proxy').fault?.code).toBe('proxy.tls_failed');
    expect(authorityFile(wrong, NAME)).toBeUndefined();
  });

  test('another certificate than without the proxy is interception, whatever its name', async () => {
    const port = await served.tls(leaf);
    const made = new Authority('Quiet Name').issue({ name: 'localhost', dns: ['localhost'] });
    const play = (socket: Duplex): void => {
      new TLSSocket(socket as Socket, { isServer: true, cert: made.certificate, key: made.key }).on(
        'error',
        () => undefined,
      );
    };
    const proxy = await kept(connectProxy({ play }));
    const asked = { tls, proxy: choice(proxy.port) };
    expect(verdict(await probe(`https://localhost:${port}`, asked))).toMatch(/^tls\.untrusted /);
    const found = verdict(await probe(`https://localhost:${port}`, { ...asked, pastProxy: true }));
    expect(found).toMatch(
      /^tls\.intercepted .*issuer Quiet Name\); without the proxy the server shows one of Corp Root/,
    );
  });

  test('a proxy that stalls after CONNECT is a timeout of TLS', async () => {
    const proxy = await kept(connectProxy({ play: () => undefined }));
    const found = await probe(`https://${NAME}`, { tls, proxy: choice(proxy.port), timeoutMs: 800 });
    expect(statuses(found)).toBe('dns pass, tcp pass, proxy pass, tls fail');
    expect(stepOf(found, 'tls').fault?.code).toBe('network.timeout');
  });

  test('no socket is left open', async () => {
    const { proxy } = await way();
    await probe(`https://${NAME}`, { tls, proxy: choice(proxy.port) });
    await probe(`https://${NAME}`, { proxy: choice(proxy.port) });
    const plain = await served.listen(createHttp());
    await probe(`http://localhost:${plain}`, { proxy: choice(proxy.port) });
    await expect.poll(() => proxy.open()).toBe(0);
  });
});
