/**
 * The five sessions of a user, for every way in through a proxy, before and after November 2024: one that was kept is
 * used again, one that is gone is replaced, and where all are taken the agent waits for one.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionFiles } from '#agent/commands/session-files.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { keepSessions, openSite, type Site } from '#agent/qlik/site.ts';
import type { Authentication, Connection } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { missingForNtlm } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { connectionTo, impatience } from '#test/unit/qlik/fake-site.ts';

const RELEASES = ['november-2021', 'may-2025'] as const;
const missing = missingForNtlm();
const WAYS = [
  'header',
  'jwt',
  'signed-jwt',
  'ticket',
  ...(missing === null ? (['ntlm', 'forms'] as const) : []),
] as const;
type Way = (typeof WAYS)[number];
// Without the packages two of the ways are missing: a failure where all of them should be, and a skip elsewhere.
test.skipIf(missing !== null && process.env['CI'] === undefined)(`the packages for NTLM are there`, () => {
  expect(missing, `type: ${missing}`).toBeNull();
});

let folder: string;
const sites = new Map<string, Simulator>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-limits-'));
  for (const profile of RELEASES)
    sites.set(
      profile,
      await startSimulator({ seed: 7, apps: 3, profile, folder: join(folder, 'pki'), sessionsPerUser: 1 }),
    );
});
afterAll(async () => {
  for (const simulator of sites.values()) await simulator[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const authenticationOf = (way: Way, { addresses, pki }: Simulator): Authentication => {
  const { directory: userDirectory, id: userId } = addresses.user;
  switch (way) {
    case 'header':
      return { type: 'header', header: addresses.header.headerName, value: new Secret(addresses.header.headerValue) };
    case 'jwt':
      return { type: 'jwt', token: new Secret(readFileSync(addresses.jwt.tokenPath, 'utf8')) };
    case 'signed-jwt':
      return {
        type: 'signed-jwt',
        key: new Secret(pki.jwtKeyPem),
        claims: { userId, userDirectory },
        lifetimeMs: 300_000,
      };
    case 'ticket':
      return {
        type: 'ticket',
        certificate: pki.clientPem,
        key: new Secret(pki.clientKeyPem),
        authority: undefined,
        userDirectory,
        userId,
        proxyServiceOrigin: addresses.ticket.serviceUrl,
      };
    case 'ntlm':
    case 'forms':
      return {
        type: 'windows',
        domain: userDirectory,
        user: userId,
        password: new Secret(addresses.windows?.password ?? ''),
        method: way,
      };
    default:
      return way satisfies never;
  }
};

const PREFIXES = {
  header: 'header',
  jwt: 'jwt',
  'signed-jwt': 'jwt',
  ticket: 'ticket',
  ntlm: 'windows',
  forms: 'windows',
};

const connectionBy = (way: Way, simulator: Simulator): Connection => {
  const { proxyUrl } = simulator.addresses;
  const base = connectionTo(proxyUrl);
  return {
    ...base,
    code: way,
    prefix: PREFIXES[way],
    engineUrl: `${proxyUrl.replace(/^http/, 'ws')}/${PREFIXES[way]}`,
    authentication: authenticationOf(way, simulator),
    tls: { ...base.tls, extraAuthorities: [simulator.pki.rootPem] },
  };
};

const forget = (simulator: Simulator): void => {
  for (const proxy of simulator.virtualProxies) simulator.sessions.logout(simulator.addresses.user, proxy);
};
const firstApp = async (site: Site): Promise<string> => {
  const rows = (await site.apps()).rows;
  for (const { id } of rows) {
    const app = await site.openApp(id).catch((error: { code?: string }) => {
      if (error.code !== 'qlik.access_denied') throw error;
      return undefined;
    });
    if (app === undefined) continue;
    await app.close();
    return id;
  }
  throw new Error('no app can be opened');
};

describe.each(RELEASES)('%s', (release) => {
  const siteOf = (): Simulator => {
    const simulator = sites.get(release);
    if (simulator === undefined) throw new Error('the site did not start');
    return simulator;
  };

  test.each(WAYS)('%s: starts share the session that was kept, and replace one that is gone', async (way) => {
    const simulator = siteOf();
    forget(simulator);
    const connection = connectionBy(way, simulator);
    const state = join(folder, `state-${release}-${way}`);
    /** What an agent does that starts: nothing is left in memory. */
    const start = async (): Promise<void> => {
      const dialer = new Dialer();
      keepSessions(dialer, new SessionFiles(state, new KeyFile(state), SILENT));
      await using opened = openSite(connection, { dialer, patience: impatience() });
      await opened.about();
      await firstApp(opened);
    };
    const before = { total: simulator.record.proxySessions.total, logins: simulator.windowsLogins.length };
    for (let at = 0; at < 6; at += 1) await start();
    expect(simulator.record.proxySessions.total - before.total).toBe(1);
    forget(simulator);
    for (let at = 0; at < 6; at += 1) await start();
    expect(simulator.record.proxySessions.total - before.total).toBe(2);
    const windows = way === 'ntlm' || way === 'forms';
    expect(simulator.windowsLogins.length - before.logins).toBe(windows ? 2 : 0);
    expect(simulator.record.sessionsExceeded).toBe(0);
    forget(simulator);
  });

  test.each(WAYS)('%s: OnMaxParallelSessionsExceeded is answered by waiting for a session', async (way) => {
    const simulator = siteOf();
    forget(simulator);
    const before = simulator.record.sessionsExceeded;
    const warned: string[] = [];
    let waits = 0;
    await using site = openSite(connectionBy(way, simulator), {
      dialer: new Dialer(),
      log: { ...SILENT, warn: (_, message) => warned.push(message) },
      patience: {
        sleep: () => {
          waits += 1;
          // Somebody else has the only session of the user, and goes after the site has said no twice.
          if (waits === 2) simulator.faults.set({ sessionsInUse: 0 });
          return Promise.resolve();
        },
        random: () => 0.5,
      },
    });
    const appId = await firstApp(site);
    simulator.faults.set({ sessionsInUse: 1 });
    await (await site.openApp(appId)).close();
    expect(simulator.record.sessionsExceeded - before).toBe(2);
    expect(warned).toEqual(Array(2).fill('all sessions of the user are taken: waiting for one'));
    expect(waits).toBe(2);
    simulator.record.sessionsExceeded = before;
    forget(simulator);
  });

  test('certificate: straight to the engine there is no session of a proxy to wait for', async () => {
    const simulator = siteOf();
    const { qrsUrl, engineUrl, user } = simulator.addresses;
    simulator.faults.set({ sessionsInUse: 5 });
    const before = simulator.record.proxySessions.total;
    await using site = openSite(
      {
        ...connectionBy('header', simulator),
        origin: qrsUrl,
        prefix: '',
        engineUrl,
        authentication: {
          type: 'certificate',
          certificate: simulator.pki.clientPem,
          key: new Secret(simulator.pki.clientKeyPem),
          authority: undefined,
          userDirectory: user.directory,
          userId: user.id,
        },
      },
      { dialer: new Dialer(), patience: impatience() },
    );
    await firstApp(site);
    simulator.faults.set({ sessionsInUse: 0 });
    expect(simulator.record.proxySessions.total).toBe(before);
  });
});
