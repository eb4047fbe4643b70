import { createServer } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProxyChoice } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import { Authority } from '../authority.ts';
import { connectProxy } from '../proxies.ts';
import { inDays, probe, Served, verdict } from './served.ts';

const root = new Authority('Corp Root', { notAfter: inDays(90) });
const leaf = root.issue({ name: 'q', dns: ['localhost', 'q.test'], notAfter: inDays(90) });
const own = root.issue({ name: 'agent', notAfter: inDays(90) });
const clientCertificate = { certificate: own.certificate, key: new Secret(own.key) };

const served = new Served();
afterEach(() => served.close());

/** A server that asks for client certificates, and for each handshake what it was shown. */
const asking = async (version: 'TLSv1.2' | 'TLSv1.3', demands: boolean, dns = leaf) => {
  const shown: boolean[] = [];
  const server = createServer(
    {
      cert: dns.certificate,
      key: dns.key,
      ca: [root.certificate],
      requestCert: true,
      rejectUnauthorized: demands,
      minVersion: version,
      maxVersion: version,
    },
    (socket) => {
      socket.on('error', () => undefined);
      shown.push(Object.keys(socket.getPeerCertificate()).length > 0);
    },
  );
  server.on('tlsClientError', () => shown.push(false));
  return { shown, port: await served.listen(server) };
};

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('our client certificate (%s)', (version) => {
  test.each([false, true])('is shown to nobody whose own was not found good (it is demanded: %s)', async (demands) => {
    const { shown, port } = await asking(version, demands);
    expect(verdict(await probe(`https://localhost:${port}`, { tls: { clientCertificate } }))).toMatch(
      /^tls\.untrusted .*Corp Root/,
    );
    expect(shown.length).toBeGreaterThan(1);
    expect(shown).not.toContain(true);
  });

  test('is not shown to a server of another name, nor past the proxy', async () => {
    const other = await asking(version, true, root.issue({ name: 'o', dns: ['o.test'], notAfter: inDays(90) }));
    const tls = { extraAuthorities: [root.certificate], clientCertificate };
    expect(verdict(await probe(`https://localhost:${other.port}`, { tls }))).toMatch(/^tls\.wrong_host /);
    expect(other.shown).not.toContain(true);
    const { shown, port } = await asking(version, true);
    await using proxy = await connectProxy({ names: { localhost: port } });
    const through: ProxyChoice = {
      type: 'fixed',
      proxy: {
        scheme: 'http',
        hostname: 'localhost',
        port: proxy.port,
        username: undefined,
        password: undefined,
        extraAuthorities: [],
        from: 'proxy.hostname',
      },
    };
    const wanted = { tls: { clientCertificate }, proxy: through, pastProxy: true };
    expect(verdict(await probe(`https://localhost:${port}`, wanted))).toMatch(/^tls\.untrusted /);
    expect(shown).not.toContain(true);
  });

  test('is shown once to a server that was found good before, and what that says is the verdict', async () => {
    const tls = { extraAuthorities: [root.certificate], clientCertificate };
    const { shown, port } = await asking(version, true);
    expect(verdict(await probe(`https://localhost:${port}`, { tls }))).toMatch(/^none /);
    expect([shown[0], shown.filter((one) => one).length]).toEqual([false, 1]);
  });
});
