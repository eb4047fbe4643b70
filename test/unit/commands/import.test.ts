import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { escaped, ingestion, pair, user } from '../config/openmetadata.ts';
import { culvert } from './culvert.ts';

const client = pair();
let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'culvert-import-'));
  const certificates = [
    'certificates:',
    `  clientCertificateData: ${escaped(client.certificate)}`,
    `  clientKeyCertificateData: ${escaped(client.key)}`,
    `  rootCertificateData: ${escaped(client.certificate)}`,
  ];
  await writeFile(join(cwd, 'om.yaml'), ingestion(['hostPort: wss://q.example.com:4747', ...certificates, ...user]));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

describe('culvert import', () => {
  test('writes a connection file and its certificates, for this user alone, and shows no secret', async () => {
    const { code, stdout, stderr } = await culvert(['import', 'om.yaml', '--out', 'prod.conf'], { cwd });
    expect([code, stdout]).toEqual([0, '']);
    expect((await readdir(cwd)).sort()).toEqual([
      'om.yaml',
      'prod-client.pem',
      'prod-client_key.pem',
      'prod-root.pem',
      'prod.conf',
    ]);
    for (const name of ['prod.conf', 'prod-client_key.pem'])
      expect((await stat(join(cwd, name))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(cwd, 'prod-client_key.pem'), 'utf8')).toBe(client.key);
    expect(stderr).not.toMatch(/canary-jwt|PRIVATE KEY/);
    expect(stderr).toContain('Wrote prod.conf, readable for this user alone.');
    expect(stderr).toContain('Now move om.yaml out of this folder');
    expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    await rm(join(cwd, 'om.yaml'));
    expect(await culvert(['validate', cwd])).toMatchObject({ code: 0, stdout: expect.stringContaining('0 errors') });
  });

  test('overwrites nothing, and leaves nothing behind when it cannot write everything', async () => {
    await writeFile(join(cwd, 'prod-root.pem'), 'mine');
    const { code, stderr } = await culvert(['import', 'om.yaml', '--out', 'prod.conf'], { cwd });
    expect(code).toBe(4);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('prod-root.pem is there already, and is not overwritten');
    expect((await readdir(cwd)).sort()).toEqual(['om.yaml', 'prod-root.pem']);
    expect(await readFile(join(cwd, 'prod-root.pem'), 'utf8')).toBe('mine');
  });

  test('prints to the standard output what can be used as it is', async () => {
    const { code, stdout } = await culvert(['import', 'om.yaml'], { cwd });
    expect(code).toBe(0);
    await rm(join(cwd, 'om.yaml'));
    await writeFile(join(cwd, 'b.conf'), stdout);
    expect(await culvert(['validate', cwd])).toMatchObject({ code: 0 });
  });

  test('shows what is wrong with a file that it cannot import', async () => {
    await writeFile(join(cwd, 'cloud.conf'), 'name = a\ncode = a\nconnector_id = "qlik-cloud"\n');
    const { code, stderr } = await culvert(['import', 'cloud.conf', '--out', 'x.conf'], { cwd });
    expect(code).toBe(4);
    expect(stderr).toContain('cloud.conf:3:');
    expect(stderr).toContain('This file is for the connector qlik-cloud');
    expect(await culvert(['import', 'none.yaml'], { cwd })).toMatchObject({ code: 4 });
  });
});
