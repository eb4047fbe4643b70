import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RepoApi, RepoApiClient, type RepoApiConfig, RestClients } from './public-clients.ts';
import { ask, cookieOf, headerOf } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

let simulator: Simulator;
let agent: Agent;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 5, apps: 15 });
  const { pki } = simulator;
  agent = new Agent({ ca: pki.rootPem, cert: pki.clientPem, key: pki.clientKeyPem });
});
afterAll(async () => {
  agent.destroy();
  await simulator[Symbol.asyncDispose]();
});

const WAYS = ['certificate', 'header', 'JWT', 'session cookie'] as const;

const configOf = async (way: (typeof WAYS)[number]): Promise<RepoApiConfig> => {
  const { addresses } = simulator;
  const proxied = { host: 'localhost', port: Number(new URL(addresses.proxyUrl).port), httpsAgent: agent };
  switch (way) {
    case 'certificate':
      return {
        host: 'localhost',
        port: addresses.qrsPort,
        httpsAgent: agent,
        authentication: { user_dir: addresses.user.directory, user_name: addresses.user.id },
      };
    case 'header':
      return {
        ...proxied,
        proxy: 'header',
        authentication: { header: addresses.header.headerName, user: addresses.header.headerValue },
      };
    case 'JWT':
      return { ...proxied, proxy: 'jwt', authentication: { token: readFileSync(addresses.jwt.tokenPath, 'utf8') } };
    case 'session cookie': {
      const answered = await ask(simulator, `${addresses.header.url}/qps/user`, { headers: headerOf(simulator) });
      const [cookieHeaderName = '', sessionId = ''] = cookieOf(answered).split('=');
      return { ...proxied, proxy: 'header', authentication: { sessionId, cookieHeaderName } };
    }
    default:
      return way satisfies never;
  }
};

const ids = (items: readonly { readonly details: Readonly<Record<string, unknown>> }[]): unknown[] =>
  items.map(({ details }) => details['id']).sort();

describe('qlik-repo-api and qlik-rest-api, unmodified', () => {
  it.each(WAYS)('reads every list with %s', async (way) => {
    const repo: RepoApi = new RepoApiClient(await configOf(way));
    const { site } = simulator;
    const wanted = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id).sort();
    expect(await repo.about.get()).toMatchObject({ buildVersion: '31.62.0.0' });
    expect(ids(await repo.apps.getAll())).toEqual(wanted(site.apps));
    expect(ids(await repo.streams.getAll())).toEqual(wanted(site.streams));
    expect(ids(await repo.users.getAll())).toEqual(wanted(site.users));
    expect(ids(await repo.tags.getAll())).toEqual(wanted(site.tags));
    expect(ids(await repo.customProperties.getAll())).toEqual(wanted(site.customPropertyDefinitions));
    expect(ids(await repo.dataConnections.getAll())).toEqual(wanted(site.dataConnections));
    expect(ids(await repo.reloadTasks.getAll())).toEqual(wanted(site.reloadTasks));
    expect(ids(await repo.extensions.getAll())).toEqual(wanted(site.extensions));
  });

  it('reads objects by filter, one entity, tables and selections', async () => {
    const repo: RepoApi = new RepoApiClient(await configOf('certificate'));
    const [app] = simulator.site.apps;
    if (!app) throw new Error('no app');
    const sheets = await repo.appObjects.getFilter({ filter: `objectType eq 'sheet' and app.id eq ${app.id}` });
    expect(sheets.map(({ details }) => details['engineObjectId']).sort()).toEqual(
      simulator.site
        .content(app.id)
        .sheets.map(({ qId }) => qId)
        .sort(),
    );
    expect((await repo.apps.get({ id: app.id })).details).toMatchObject({ id: app.id, name: app.name });
    const columns = ['id', 'name'].map((name) => ({ name, columnType: 'Property', definition: name }));
    const table = await repo.table.create({
      type: 'App',
      columns,
      skip: 0,
      take: 100,
      sortColumn: 'name',
      orderAscending: true,
    });
    expect(table.status).toBe(201);
    expect(table.data.rows.map((row) => row['id']).sort()).toEqual(simulator.site.apps.map(({ id }) => id).sort());
    const selection = await repo.selections.create({ area: 'app', filter: `id eq ${app.id}` });
    expect(await selection.data({ path: 'app/full' })).toMatchObject([{ id: app.id }]);
    expect(await selection.remove()).toBe(204);
  });

  it('hears of an app that was deleted by asking for changes', async () => {
    await using own = await startSimulator({ seed: 6, apps: 4 });
    const { addresses } = own;
    const repo: RepoApi = new RepoApiClient({
      host: 'localhost',
      port: addresses.qrsPort,
      httpsAgent: agent,
      authentication: { user_dir: 'INTERNAL', user_name: 'sa_api' },
    });
    const since = new Date(Date.now() - 60_000).toISOString();
    const [app] = own.site.apps;
    if (!app) throw new Error('no app');
    expect(await repo.notification.changes({ since, types: 'App' })).toEqual([]);
    own.mutate({ action: 'delete', appId: app.id });
    const changes = await repo.notification.changes({ since, types: 'App' });
    expect(JSON.stringify(changes)).toContain(app.id);
    expect(ids(await repo.apps.getAll())).not.toContain(app.id);
  });

  it('reads engine health and the session user through the proxy', async () => {
    const health = await new RestClients.QlikEngineClient(await configOf('header')).Get('engine/healthcheck');
    expect(health).toMatchObject({ status: 200, data: { saturated: false } });
    const user = await new RestClients.QlikProxyClient(await configOf('JWT')).Get('user');
    expect(user).toMatchObject({ status: 200, data: { userId: 'svc_catalog', userDirectory: 'CORP' } });
  });
});
