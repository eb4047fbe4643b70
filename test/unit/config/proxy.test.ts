import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { exempts, noProxyEntries } from '#config/no-proxy.ts';
import { describeWay, type ProxyChoice, proxyFor } from '#config/proxy.ts';
import { environmentProxies } from '#config/proxy-environment.ts';
import { loadSettings } from '#config/settings.ts';
import { issue } from './certificates.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-proxy-'));
  writeFileSync(join(folder, 'ca.pem'), issue('ca', new Date(0), new Date(Date.UTC(2100, 0))).certificate);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = `name = x
code = x
connector_id = qlik-sense
connection { url = "https://qlik.example.com", auth { key = X, value = joe } }
`;
const parse = (text: string, env: Record<string, string> = {}) =>
  parseConnection(`${HEAD}${text}`, 'x.conf', { folder, env });
const settings = (text: string, env: Record<string, string> = {}) => {
  writeFileSync(join(folder, 'agent.conf'), text);
  return loadSettings(join(folder, 'agent.conf'), env);
};

describe('proxy of a connection file', () => {
  test('is read with all that it has', () => {
    const { connection, problems } = parse(
      'proxy { scheme = HTTPS, hostname = proxy.example.com, port = "3129", username = svc, password = "p@ss:w%rd", tls.truststore.path = ca.pem }',
    );
    expect(problems).toEqual([]);
    expect(connection?.proxy).toMatchObject({
      type: 'fixed',
      proxy: {
        scheme: 'https',
        hostname: 'proxy.example.com',
        port: 3129,
        username: 'svc',
        extraAuthorities: [expect.stringContaining('BEGIN CERTIFICATE')],
      },
    });
    expect(connection?.proxy?.type === 'fixed' && connection.proxy.proxy.password?.reveal()).toBe('p@ss:w%rd');
    expect(inspect(connection, { depth: 9 })).not.toContain('p@ss');
    expect(connection?.tls.extraAuthorities).toEqual([]);
  });

  test.each([
    ['proxy { hostname = p, port = 3128 }', 'http', 'p'],
    ['proxy { scheme = socks5, hostname = 10.0.0.1, port = 1080 }', 'socks5', '10.0.0.1'],
    ['proxy { scheme = socks4a, hostname = "[::1]", port = 1080, username = joe }', 'socks4a', '::1'],
    ['proxy { scheme = http, hostname = "::1", port = 1080 }', 'http', '::1'],
  ])('%s', (text, scheme, hostname) => {
    expect(parse(text)).toMatchObject({ problems: [], connection: { proxy: { proxy: { scheme, hostname } } } });
  });

  test.each([
    ['proxy { scheme = ftp, hostname = p, port = 3128 }', 'config.invalid', 'proxy.scheme must be "http" or "https"'],
    ['proxy { hostname = p, port = 99999 }', 'config.invalid', 'proxy.port must be a whole number'],
    ['proxy { hostname = p }', 'config.missing_key', 'proxy.port is missing'],
    ['proxy { port = 3128 }', 'config.missing_key', 'proxy.hostname is missing'],
    ['proxy { hostname = "http://p:3128", port = 3128 }', 'config.invalid', 'without scheme'],
    ['proxy { hostname = "joe:canary-1@p", port = 3128 }', 'config.invalid', 'without scheme'],
    ['proxy { hostname = p, port = 3128, username = "a:b", password = canary-2 }', 'config.invalid', 'colon'],
    ['proxy { scheme = socks5, hostname = p, port = 1080, username = a }', 'config.invalid', 'or neither'],
    [
      'proxy { scheme = socks4a, hostname = p, port = 1080, username = a, password = canary-3 }',
      'config.invalid',
      'no password',
    ],
    [
      'proxy { scheme = https, hostname = p, port = 1, tls.truststore.path = gone.pem }',
      'config.unreadable',
      'cannot be read',
    ],
    [
      'proxy { scheme = https, hostname = p, port = 1, tls.truststore.path = agent.conf }',
      'config.invalid',
      'without a readable certificate',
    ],
  ])('refuses %s', (text, code, message) => {
    writeFileSync(join(folder, 'agent.conf'), 'no certificate');
    const { connection, problems } = parse(text);
    expect(connection).toBeUndefined();
    expect(problems.map((problem) => [problem.code, problem.line])).toEqual([[code, 5]]);
    expect(problems[0]?.message).toContain(message);
    expect(JSON.stringify(problems)).not.toMatch(/canary/);
  });

  test('has no effect from the environment unless it says so, and what it names itself wins', () => {
    const env = { https_proxy: 'http://env:3128' };
    expect(parse('', env).connection?.proxy).toBeUndefined();
    expect(parse('proxy.from_environment = true', env).connection?.proxy).toMatchObject({
      type: 'environment',
      secure: { hostname: 'env', from: 'https_proxy' },
    });
    const both = parse('proxy { from_environment = true, hostname = own, port = 1 }', env);
    expect(both.connection?.proxy).toMatchObject({ type: 'fixed', proxy: { hostname: 'own' } });
    expect(both.problems).toMatchObject([{ severity: 'warning', line: 5 }]);
  });

  test('warns of a trust store that nothing would use', () => {
    expect(parse('proxy { hostname = p, port = 1, tls.truststore.path = ca.pem }').problems).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('has no effect') },
    ]);
  });
});

describe('proxy of the cloud link', () => {
  test('comes from the environment unless the file names one or switches that off', () => {
    const env = { HTTPS_PROXY: 'proxy:3128', no_proxy: '.corp.example' };
    expect(settings('', env).settings?.proxy).toMatchObject({
      type: 'environment',
      secure: { scheme: 'http', hostname: 'proxy', port: 3128, from: 'HTTPS_PROXY' },
      except: ['.corp.example'],
    });
    expect(settings('proxy.from_environment = false', env).settings?.proxy).toBeUndefined();
    expect(settings('proxy { hostname = own, port = 1 }', env).settings?.proxy).toMatchObject({ type: 'fixed' });
    expect(settings('').settings?.proxy).toBeUndefined();
  });

  test('is refused when the environment holds nonsense, without saying what', () => {
    const { settings: none, problems } = settings('', { https_proxy: 'http://joe:canary@pro xy' });
    expect(none).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'config.invalid', message: expect.stringContaining('https_proxy') }]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });
});

describe('the environment', () => {
  const secure = (env: Record<string, string>) => {
    const { choice } = environmentProxies(env);
    return choice?.type === 'environment' ? choice.secure : undefined;
  };

  test.each([
    [{ https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1', all_proxy: 'http://c:1' }, 'a'],
    [{ HTTPS_PROXY: 'http://b:1', all_proxy: 'http://c:1' }, 'b'],
    [{ all_proxy: 'http://c:1', ALL_PROXY: 'http://d:1' }, 'c'],
    [{ ALL_PROXY: 'http://d:1' }, 'd'],
    [{ http_proxy: 'http://e:1' }, undefined],
    [{ https_proxy: '', HTTPS_PROXY: 'http://b:1' }, undefined],
  ])('%j leads https to %s', (env, host) => expect(secure(env)?.hostname).toBe(host));

  test.each([
    ['proxy', 'http', 'proxy', 80, undefined],
    ['https://proxy/', 'https', 'proxy', 443, undefined],
    ['socks5h://joe:pw@[::1]:9', 'socks5', '::1', 9, 'joe'],
    ['socks4://10.0.0.1', 'socks4a', '10.0.0.1', 1080, undefined],
    ['http://DOM%5Cjoe:p%40s%3As@proxy:3128', 'http', 'proxy', 3128, 'DOM\\joe'],
    ['http://joe:p@s:%s@proxy:3128', 'http', 'proxy', 3128, 'joe'],
  ])('%s', (text, scheme, hostname, port, username) => {
    expect(secure({ https_proxy: text })).toMatchObject({ scheme, hostname, port, username });
  });

  test('a password keeps its odd characters, encoded or not', () => {
    expect(secure({ https_proxy: 'http://joe:p%40s%3As@proxy' })?.password?.reveal()).toBe('p@s:s');
    expect(secure({ https_proxy: 'http://joe:p@s:%s@proxy' })?.password?.reveal()).toBe('p@s:%s');
  });

  test.each(['ftp://proxy', 'http://', 'proxy:99999', 'http://a b', 'http://proxy/path'])('%s is unusable', (text) => {
    expect(environmentProxies({ https_proxy: text })).toMatchObject({ choice: undefined, unusable: ['https_proxy'] });
  });

  test('HTTP_PROXY in capitals is not read', () => {
    expect(environmentProxies({ HTTP_PROXY: 'http://evil:1' }).choice).toBeUndefined();
  });
});

describe('no_proxy', () => {
  test.each([
    ['example.com', 'example.com', 443, true],
    ['example.com', 'a.example.com', 443, true],
    ['example.com', 'anexample.com', 443, false],
    ['EXAMPLE.com.', 'example.COM', 443, true],
    ['.example.com', 'a.example.com', 443, true],
    ['.example.com', 'example.com', 443, false],
    ['*.example.com', 'a.b.example.com', 443, true],
    ['*.example.com', 'example.com', 443, false],
    ['example.com:8443', 'example.com', 8443, true],
    ['example.com:8443', 'example.com', 443, false],
    ['10.1.2.3', '10.1.2.3', 443, true],
    ['10.1.2.3', '10.1.2.30', 443, false],
    ['10.0.0.0/8', '10.200.3.4', 443, true],
    ['10.0.0.0/8', '11.0.0.1', 443, false],
    ['10.0.0.0/99', '10.0.0.1', 443, false],
    ['10.0.0.0/8', 'a.example.com', 443, false],
    ['0:0:0:0:0:0:0:1', '::1', 443, true],
    ['[2001:db8::1]:8443', '2001:db8::1', 8443, true],
    ['2001:db8::/32', '2001:db8:5::9', 443, true],
    ['2001:db8::/32', '10.0.0.1', 443, false],
    ['*', 'anything', 1, true],
    ['a.test , , b.test\tc.test', 'c.test', 443, true],
    ['', 'a.test', 443, false],
  ])('%j for %s:%i is %s', (entries, host, port, expected) => {
    expect(exempts(noProxyEntries(entries), host, port) !== undefined).toBe(expected);
  });
});

describe('the way that is taken', () => {
  const { choice } = environmentProxies({
    https_proxy: 'http://joe:canary@proxy:3128',
    no_proxy: 'qlik.corp.example, 10.0.0.0/8',
  });
  test.each([
    ['https://catalog.example.com', 'through the http proxy proxy:3128 (https_proxy)'],
    ['wss://catalog.example.com/v1', 'through the http proxy proxy:3128 (https_proxy)'],
    ['https://qlik.corp.example:4242', 'directly (no_proxy has qlik.corp.example)'],
    ['wss://10.1.1.1', 'directly (no_proxy has 10.0.0.0/8)'],
    ['ws://localhost:9000', 'directly'],
    ['https://127.0.0.1:9000', 'directly (it is on this machine)'],
    ['https://[::1]', 'directly (it is on this machine)'],
  ])('to %s is %s', (address, words) => {
    expect(describeWay(choice, address)).toBe(words);
    expect(proxyFor(choice, new URL(address)) !== undefined).toBe(words.startsWith('through'));
  });

  test('a proxy that a file names leads everywhere', () => {
    const fixed = parse('proxy { hostname = "::1", port = 1, scheme = socks5 }').connection?.proxy as ProxyChoice;
    expect(describeWay(fixed, 'https://127.0.0.1')).toBe('through the socks5 proxy [::1]:1 (proxy.hostname)');
    expect(describeWay(undefined, 'https://a.test')).toBe('directly');
  });

  test('http_proxy alone says why it is not used', () => {
    const plain = environmentProxies({ http_proxy: 'proxy' }).choice;
    expect(describeWay(plain, 'https://a.test')).toBe(
      'directly (http_proxy counts only for http://; there is no https_proxy)',
    );
  });
});
