/** What clients of the repository and of the direct ports depend on, one test a point; switches are tried on and off. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseQlikUser, qlikUserHeader } from './identity.ts';
import { ask, askQrs, bootstrap, RawSocket, XRFKEY } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 31, apps: 120 });
});
afterAll(() => simulator[Symbol.asyncDispose]());

type Row = Readonly<Record<string, unknown>>;
const rows = async (path: string, on = simulator): Promise<readonly Row[]> => (await askQrs(on, path)).json as Row[];

describe('point 6: tables and counts', () => {
  it('a table is 201, a count is an object with a value', async () => {
    const body = JSON.stringify({ entity: 'App', columns: [{ name: 'id', columnType: 'Property', definition: 'id' }] });
    const table = await askQrs(simulator, '/qrs/app/table?skip=100&take=50&sortColumn=id&orderAscending=true', {
      method: 'POST',
      body,
    });
    expect(table.status).toBe(201);
    expect(table.json).toMatchObject({ columnNames: ['id'] });
    expect((table.json as { rows: unknown[] }).rows).toHaveLength(20);
    expect((await askQrs(simulator, '/qrs/app/count')).json).toEqual({ value: 120 });
  });
  it('a count is a bare number when switched so', async () => {
    await using other = await startSimulator({ seed: 1, apps: 8, switches: { countShape: 'number' } });
    expect((await askQrs(other, '/qrs/app/count')).json).toBe(8);
  });
});

describe('point 7: the cross-site key', () => {
  it.each([
    ['no header', '/qrs/about?xrfkey=0123456789abcdef', {}],
    ['no parameter', '/qrs/about', { 'X-Qlik-Xrfkey': XRFKEY }],
    ['another header', '/qrs/about?xrfkey=0123456789abcdef', { 'X-Qlik-Xrfkey': 'abcdef0123456789' }],
    ['fifteen characters', '/qrs/about?xrfkey=0123456789abcde', { 'X-Qlik-Xrfkey': '0123456789abcde' }],
    ['other characters', '/qrs/about?xrfkey=0123456789abcde-', { 'X-Qlik-Xrfkey': '0123456789abcde-' }],
  ])('is refused with 400 on both routes: %s', async (_, path, headers) => {
    const user = { 'X-Qlik-User': simulator.addresses.certificates.qlikUser };
    const direct = await ask(simulator, `${simulator.addresses.qrsUrl}${path}`, {
      certificate: true,
      headers: { ...headers, ...user },
    });
    expect(direct.status).toBe(400);
    const { cookie } = await bootstrap(simulator);
    const proxied = await ask(simulator, `${simulator.addresses.header.url}${path}`, {
      headers: { ...headers, Cookie: cookie },
    });
    expect(proxied.status).toBe(400);
    await ask(simulator, `${simulator.addresses.header.url}/qps/user`, {
      method: 'DELETE',
      headers: { Cookie: cookie },
    });
  });
});

describe('point 16: never, and no stream', () => {
  it('are dates of 1753 and null', async () => {
    const apps = await rows('/qrs/app/full');
    const never = simulator.site.apps.find((app) => app.lastReloadTime === null);
    expect(apps.find((row) => row['id'] === never?.id)).toMatchObject({ lastReloadTime: '1753-01-01T00:00:00.000Z' });
    const personal = simulator.site.apps.find((app) => app.streamId === null);
    expect(apps.find((row) => row['id'] === personal?.id)).toMatchObject({ stream: null, published: false });
  });
});

describe('point 20: the cap of /full', () => {
  it('is off, on by release switch, and on by fault; the count does not know it', async () => {
    expect(await rows('/qrs/app/full')).toHaveLength(120);
    simulator.faults.set({ fullCap: 50 });
    expect(await rows('/qrs/app/full')).toHaveLength(50);
    expect((await askQrs(simulator, '/qrs/app/count')).json).toEqual({ value: 120 });
    simulator.faults.clear();
    await using capped = await startSimulator({ seed: 1, apps: 110, switches: { fullCap: 100 } });
    expect(await rows('/qrs/app/full', capped)).toHaveLength(100);
  });
});

describe('point 24: health', () => {
  it('says saturated when it shall, on both routes', async () => {
    const { cookie } = await bootstrap(simulator);
    const both = async (): Promise<unknown[]> => {
      const { engineUrl, header } = simulator.addresses;
      const direct = await ask(simulator, `${engineUrl.replace('wss:', 'https:')}/engine/healthcheck`, {
        certificate: true,
      });
      const proxied = await ask(simulator, `${header.url}/engine/healthcheck/`, { headers: { Cookie: cookie } });
      return [direct.json, proxied.json].map((health) => (health as Row)['saturated']);
    };
    expect(await both()).toEqual([false, false]);
    simulator.faults.set({ saturated: true });
    expect(await both()).toEqual([true, true]);
    simulator.faults.clear();
  });
  it('counts what is open', async () => {
    const app = simulator.site.apps.find((candidate) => candidate.admitted === null);
    await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/health');
    await socket.call('OpenDoc', -1, [app?.id ?? '', '', '', '', true]);
    const url = `${simulator.addresses.engineUrl.replace('wss:', 'https:')}/engine/healthcheck`;
    const health = (await ask(simulator, url, { certificate: true })).json;
    expect(health).toMatchObject({ apps: { loaded_docs: [app?.id], in_memory_docs: [] }, session: { active: 1 } });
  });
});

describe('point 27: secrets in clear text', () => {
  it('stand in connections, scripts and variables', async () => {
    const connections = JSON.stringify(await rows('/qrs/dataconnection/full'));
    expect(connections).toContain('canary');
    const contents = simulator.site.apps.map(({ id }) => simulator.site.content(id));
    expect(contents.some(({ script }) => script.includes('canary'))).toBe(true);
    expect(contents.some(({ variables }) => variables.some(({ definition }) => definition.includes('canary')))).toBe(
      true,
    );
  });
});

describe('point 28: lists after a change', () => {
  it('have the new name, and not the deleted app', async () => {
    await using own = await startSimulator({ seed: 32, apps: 8 });
    const [first, second] = own.site.apps;
    own.mutate({ action: 'rename', appId: first?.id ?? '', name: `O'Neil's “app”` });
    own.mutate({ action: 'delete', appId: second?.id ?? '' });
    const apps = await rows('/qrs/app/full', own);
    expect(apps).toHaveLength(7);
    expect(apps.find((row) => row['id'] === first?.id)).toMatchObject({ name: `O'Neil's “app”` });
    expect((await askQrs(own, `/qrs/app/${second?.id}`)).status).toBe(404);
    expect(() => own.mutate({ action: 'delete', appId: second?.id ?? '' })).toThrow(RangeError);
    expect(own.truth().assets['app']).toBe(7);
  });
});

describe('point 29: owners that are gone', () => {
  it('are named by apps and not in the list of users', async () => {
    const users = new Set((await rows('/qrs/user/full')).map((row) => row['id']));
    const owners = (await rows('/qrs/app/full')).map((row) => (row['owner'] as Row)['id']);
    expect(owners.some((id) => !users.has(id))).toBe(true);
    expect(owners.some((id) => users.has(id))).toBe(true);
  });
});

describe('point 30: names with quotes, semicolons and letters of all scripts', () => {
  it('come through lists and filters as they are', async () => {
    const odd = simulator.site.apps.filter(({ name }) => /['";]|[^\x20-\x7e]/.test(name));
    expect(odd.length).toBeGreaterThan(0);
    for (const app of odd.slice(0, 10)) {
      const filter = encodeURIComponent(`name eq '${app.name.replaceAll("'", "''")}'`);
      expect((await rows(`/qrs/app/full?filter=${filter}`)).map((row) => row['name'])).toContain(app.name);
    }
  });
  it('are percent-encoded in X-Qlik-User', async () => {
    for (const { userDirectory, userId } of simulator.site.users.slice(5, 10)) {
      const user = { directory: userDirectory, id: userId };
      const header = qlikUserHeader(user);
      expect(parseQlikUser(header)).toEqual(user);
      expect((await askQrs(simulator, '/qrs/about', { headers: { 'X-Qlik-User': header } })).status).toBe(200);
      await using socket = await RawSocket.direct(simulator, '/app/engineData', header);
      expect((await socket.call('GetAuthenticatedUser')).result).toEqual({
        qReturn: `UserDirectory=${userDirectory}; UserId=${userId}`,
      });
    }
  });
  it.each([
    'UserDirectory=CORP',
    'UserDirectory=CORP; UserId=',
    'CORP\\svc',
    'UserDirectory=CORP; UserId=100%',
    'UserDirectory=CORP; UserId=a; UserId=b',
    'UserDirectory=CORP; UserId=o;brien',
  ])('are refused when malformed: %s', async (header) => {
    expect((await askQrs(simulator, '/qrs/about', { headers: { 'X-Qlik-User': header } })).status).toBe(400);
    await expect(RawSocket.direct(simulator, '/app/engineData', header)).rejects.toThrow('400');
  });
});

describe('the direct ports', () => {
  it('want a client certificate', async () => {
    expect((await askQrs(simulator, '/qrs/about', { certificate: false })).status).toBe(403);
    const url = `${simulator.addresses.engineUrl}/app/engineData`;
    const headers = { 'X-Qlik-User': simulator.addresses.certificates.qlikUser };
    await expect(RawSocket.open(simulator, url, { headers })).rejects.toThrow();
  });
  it('want a user', async () => {
    const url = `${simulator.addresses.qrsUrl}/qrs/about?xrfkey=${XRFKEY}`;
    expect((await ask(simulator, url, { certificate: true, headers: { 'X-Qlik-Xrfkey': XRFKEY } })).status).toBe(403);
  });
  it('have metadata where the release has it', async () => {
    const app = simulator.site.apps.find(
      (candidate) => candidate.admitted === null && candidate.lastReloadTime !== null,
    );
    const get = (on: Simulator, path: string) =>
      ask(on, `${on.addresses.engineUrl.replace('wss:', 'https:')}${path}/apps/${app?.id}/data/metadata`, {
        certificate: true,
        headers: { 'X-Qlik-User': on.addresses.certificates.qlikUser },
      });
    expect((await get(simulator, '/api/v1')).status).toBe(200);
    await using old = await startSimulator({ site: simulator.site, profile: 'november-2021' });
    expect((await get(old, '/api/v1')).status).toBe(404);
    await using core = await startSimulator({ site: simulator.site, switches: { metadataOnEnginePort: '/v1' } });
    expect((await get(core, '/v1')).status).toBe(200);
  });
  it('fail when told to', async () => {
    simulator.faults.set({ httpErrors: [{ on: 'qrs', status: 500, path: '/qrs/user/full', nth: 2 }] });
    const statuses: number[] = [];
    for (const _ of [1, 2, 3]) statuses.push((await askQrs(simulator, '/qrs/user/full')).status);
    expect(statuses).toEqual([200, 500, 200]);
    simulator.faults.clear();
  });
});

describe('server certificates', () => {
  it.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('can be %s', async (certificate, code) => {
    await using bad = await startSimulator({ seed: 1, apps: 4, certificate });
    await expect(ask(bad, bad.addresses.proxyUrl)).rejects.toMatchObject({ code });
    await expect(askQrs(bad, '/qrs/about')).rejects.toMatchObject({ code });
  });
  it('are unknown to who does not have the root', async () => {
    const { jwtCertificatePem } = simulator.pki;
    await expect(ask(simulator, simulator.addresses.proxyUrl, { ca: jwtCertificatePem })).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/),
    });
  });
  it('keep the keys in the folder from run to run', async () => {
    await using again = await startSimulator({ seed: 1, apps: 4 });
    expect(again.pki.clientPem).toBe(readFileSync(simulator.addresses.certificates.clientPath, 'utf8'));
  });
});
