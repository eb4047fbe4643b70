/** What changes on the agent's side while it runs. */
import { expect, test } from 'vitest';
import { systemClock } from '#agent/bridge/link-clock.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import { connectProxy } from '../network/proxies.ts';
import { Loopback, someStatus, until } from './loopback.ts';
import { machineOfEachTest } from './machine.ts';
import { siteHandler } from './site.ts';

const machine = machineOfEachTest();

test('a changed status is sent', async () => {
  await using loopback = await Loopback.start({ backend: machine.backend });
  const identity = await machine.enrolAt(loopback.url);
  let hostname = 'before';
  await using bridge = await machine.bridgeTo(loopback.url, identity, { status: () => someStatus({ hostname }) });
  const seen = () => machine.backend.agent(identity.agentId).status;
  await until(() => seen() !== undefined);
  expect(seen()).toMatchObject({ hostname: 'before' });
  hostname = 'after';
  bridge.statusChanged();
  await until(() => (seen() as { hostname: string }).hostname === 'after');
});

test('another way to the catalog is taken at once, in mid-crawl, and nothing is lost', async () => {
  await using loopback = await Loopback.start({ backend: machine.backend });
  await using proxy = await connectProxy();
  const identity = await machine.enrolAt(loopback.url);
  const site = { apps: 10, assetsPerApp: 200, bulkBytes: 300 };
  const gate = Promise.withResolvers<void>();
  const job = machine.backend.addJob(identity.agentId);
  const server = (port: number): ProxyChoice => ({
    type: 'fixed',
    proxy: {
      scheme: 'http',
      hostname: '127.0.0.1',
      port,
      username: undefined,
      password: undefined,
      extraAuthorities: [],
      from: 'agent.conf',
    },
  });
  const gone = await connectProxy();
  await gone[Symbol.asyncDispose]();
  await using bridge = await machine.bridgeTo(loopback.url, identity, {
    settings: { gatewayUrl: loopback.url, proxy: server(gone.port) },
    handlers: {
      crawl: siteHandler(site, { pace: (scope) => (scope === 'site/app-5' ? gate.promise : Promise.resolve()) }),
    },
    // The backoff would take for ever: only the new way can bring the link about.
    clock: { ...systemClock, random: () => 0.999 },
  });
  await until(() => bridge.health().error?.code === 'proxy.unreachable');
  bridge.reroute({ proxy: undefined });
  await until(() => machine.backend.published.size === 5);
  bridge.reroute({ proxy: server(proxy.port) });
  await until(() => proxy.asked.length > 0 && bridge.health().state === 'open');
  gate.resolve();
  await until(() => job.state === 'published');
  machine.expectPublished(site);
});
