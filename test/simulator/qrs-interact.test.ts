import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QrsInteractClient, type QrsInteractConfig } from './public-clients.ts';
import { type Simulator, startSimulator } from './simulator.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 3, apps: 12 });
});
afterAll(() => simulator[Symbol.asyncDispose]());

const configs = (): Record<string, QrsInteractConfig> => {
  const { addresses, pki } = simulator;
  const { certificates, jwt, header } = addresses;
  const proxyPort = Number(new URL(addresses.proxyUrl).port);
  return {
    'certificate files': {
      hostname: 'localhost',
      portNumber: addresses.qrsPort,
      certificates: { certFile: certificates.clientPath, keyFile: certificates.clientKeyPath },
    },
    'a pfx file': {
      hostname: 'localhost',
      portNumber: addresses.qrsPort,
      certificates: { pfxFile: pki.pfxPath, passphrase: certificates.pfxPassphrase },
      repoAccount: certificates.qlikUser,
    },
    'a bearer token through the virtual proxy': {
      hostname: 'localhost',
      portNumber: proxyPort,
      virtualProxyPrefix: '/jwt',
      certificates: {},
      headers: { Authorization: `Bearer ${readFileSync(jwt.tokenPath, 'utf8')}`, 'Content-Type': 'application/json' },
    },
    'certificate files and a header through the virtual proxy': {
      hostname: 'localhost',
      portNumber: proxyPort,
      virtualProxyPrefix: 'header',
      certificates: { certFile: certificates.clientPath, keyFile: certificates.clientKeyPath },
      headers: { [header.headerName]: header.headerValue, 'Content-Type': 'application/json' },
    },
  };
};

describe('qrs-interact, unmodified', () => {
  it.each([
    'certificate files',
    'a pfx file',
    'a bearer token through the virtual proxy',
    'certificate files and a header through the virtual proxy',
  ])('reads the site with %s', async (name) => {
    const config = configs()[name];
    if (!config) throw new Error(name);
    const qrs = new QrsInteractClient(config);
    expect((await qrs.Get('about')).body).toMatchObject({ buildVersion: '31.62.0.0' });
    expect((await qrs.Get('app/count')).body).toEqual({ value: 12 });
    const full = (await qrs.Get('app/full')).body as { id: string; name: string }[];
    expect(full.map(({ id }) => id).sort()).toEqual(simulator.site.apps.map(({ id }) => id).sort());
    const [first] = full;
    const filtered = (await qrs.Get(`/app/full?filter=id eq ${first?.id}`)).body as { name: string }[];
    expect(filtered.map((app) => app.name)).toEqual([first?.name]);
    const table = await qrs.Post(
      'app/table?take=5&sortColumn=id&orderAscending=true',
      { entity: 'App', columns: [{ name: 'id', columnType: 'Property', definition: 'id' }] },
      'json',
    );
    expect(table.statusCode).toBe(201);
    expect((table.body as { rows: unknown[] }).rows).toHaveLength(5);
  });

  it('is refused without rights to write', async () => {
    const config = configs()['certificate files'];
    if (!config) throw new Error('no config');
    await expect(new QrsInteractClient(config).Post('tag', { name: 'x' }, 'json')).rejects.toThrow('403');
  });
});
