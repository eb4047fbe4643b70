/**
 * An ingestion file of OpenMetadata against a site on the ports of the services themselves: that the repository is on
 * port 4242 of the engine's host is what such a file lets one conclude.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { culvert } from '#test/unit/commands/culvert.ts';
import { escaped, ingestion } from '#test/unit/config/openmetadata.ts';

// An address of this machine of its own: somebody else may have these ports on the usual one.
const HOST = '127.0.42.47';
const canListen = await new Promise<boolean>((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen(4747, HOST, () => server.close(() => resolve(true)));
});

if (!canListen) {
  const line = `nobody can listen on ${HOST} port 4747: something has that port, or this system has one loopback address only`;
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** files of OpenMetadata skipped: ${line}\n\n`);
}

describe.skipIf(!canListen)(`a file of OpenMetadata for ${HOST}`, () => {
  let folder: string;
  let simulator: Simulator;
  const lines = (certificates: readonly string[]): readonly string[] => [
    `hostPort: wss://${HOST}:4747`,
    `displayUrl: https://${HOST}`,
    ...certificates,
    `userDirectory: ${simulator.addresses.user.directory}`,
    `userId: ${simulator.addresses.user.id}`,
    'validateHostName: true',
  ];
  const byPath = (): readonly string[] => {
    const { clientPath, clientKeyPath, rootPath } = simulator.addresses.certificates;
    return [
      'certificates:',
      `  clientCertificate: ${clientPath}`,
      `  clientKeyCertificate: ${clientKeyPath}`,
      `  rootCertificate: ${rootPath}`,
    ];
  };
  const byValue = (): readonly string[] => {
    const { clientPath, clientKeyPath, rootPath } = simulator.addresses.certificates;
    const value = (path: string): string => escaped(readFileSync(path, 'utf8').replaceAll('\r', ''));
    return [
      'certificates:',
      '  sslConfig:',
      `    sslCertificate: ${value(clientPath)}`,
      `    sslKey: ${value(clientKeyPath)}`,
      `    caCertificate: ${value(rootPath)}`,
    ];
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-openmetadata-'));
    simulator = await startSimulator({ seed: 5, apps: 3, folder, host: HOST, ports: { qrs: 4242, engine: 4747 } });
  });
  afterAll(async () => {
    await simulator?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const crawled = async (file: string): Promise<unknown> => {
    const { code, stdout, stderr } = await culvert(['crawl', file, '--out', join(folder, 'records'), '--json']);
    expect(stderr).not.toContain('error');
    return { code, ...(JSON.parse(stdout) as object) };
  };

  test('a crawl reads the whole site, with certificates by path and by value, and after an import', async () => {
    writeFileSync(join(folder, 'a.yaml'), ingestion(lines(byPath())));
    writeFileSync(join(folder, 'b.yaml'), ingestion(lines(byValue())));
    expect(await crawled(join(folder, 'a.yaml'))).toMatchObject({ code: 0, appsTotal: 3 });
    rmSync(join(folder, 'records'));
    expect(await crawled(join(folder, 'b.yaml'))).toMatchObject({ code: 0, appsTotal: 3 });
    rmSync(join(folder, 'records'));
    const out = join(folder, 'c.conf');
    expect(await culvert(['import', join(folder, 'b.yaml'), '--out', out])).toMatchObject({ code: 0 });
    expect(await crawled(out)).toMatchObject({ code: 0, appsTotal: 3 });
  });

  test('when the repository does not answer, the doctor says that its port was assumed', async () => {
    writeFileSync(join(folder, 'd.yaml'), ingestion(lines(byPath())).replace(`wss://${HOST}`, 'wss://127.0.42.48'));
    writeFileSync(join(folder, 'agent.conf'), 'gateway.url = "wss://c.example.com"\n');
    const { code, stdout } = await culvert(['doctor', join(folder, 'd.yaml'), '--config', join(folder, 'agent.conf')]);
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/repository is assumed/);
  });
});
