/** A site that only a proxy reaches, and what it takes to go there. */
import { afterEach } from 'vitest';
import type { ProxyChoice, ProxyScheme, ProxyServer } from '#config/proxy.ts';
import { Authority } from './authority.ts';
import type { FakeProxy } from './proxies.ts';

const site = new Authority('Authority of the site');
export const network = new Authority('Authority of the network');
export const NAME = 'qlik.only-the-proxy-knows.test';
export const target = site.issue({ name: NAME, dns: [NAME, 'localhost'], addresses: ['127.0.0.1'] });
export const tls = { extraAuthorities: [site.certificate] };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});
/** Has this done at the end of the test. */
export const atEnd = (close: () => Promise<void>): void => void closers.push(close);
export const kept = async (starting: Promise<FakeProxy>): Promise<FakeProxy> => {
  const proxy = await starting;
  atEnd(async () => proxy[Symbol.asyncDispose]());
  return proxy;
};

export const choice = (port: number, scheme: ProxyScheme = 'http', more: Partial<ProxyServer> = {}): ProxyChoice => ({
  type: 'fixed',
  proxy: {
    scheme,
    hostname: 'localhost',
    port,
    username: undefined,
    password: undefined,
    extraAuthorities: [network.certificate],
    from: 'proxy.hostname',
    ...more,
  },
});
