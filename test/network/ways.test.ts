/** Every way in that takes more than one header, by the real program against releases before and after November 2024. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatorOptions } from '#test/simulator/options.ts';
import type { ProfileName } from '#test/simulator/profiles.ts';
import { jwtAuthenticator } from '#test/simulator/proxy/authenticator.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { connectionFile, culvert, type Ended, expectTheTruth } from './program.ts';

const BEFORE_AND_AFTER: readonly ProfileName[] = ['november-2021', 'may-2025'];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-ways-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (options: SimulatorOptions): Promise<Simulator> =>
  startSimulator({ seed: 7, apps: 6, folder: join(folder, 'pki'), ...options });

const ticketLogin = ({ addresses: { ticket, certificates, user } }: Simulator, id = user.id): string =>
  `url = "${ticket.url}"
  auth {
    type = ticket
    proxy_service_url = "${ticket.serviceUrl}"
    certificate { path = ${JSON.stringify(certificates.clientPath)}, key_path = ${JSON.stringify(certificates.clientKeyPath)} }
    user_directory = "${user.directory}"
    user_id = "${id}"
  }`;

describe('tickets', () => {
  test.each(BEFORE_AND_AFTER)('crawl the whole site in one session: %s', async (profile) => {
    await using simulator = await start({ profile });
    await expectTheTruth(folder, simulator, ticketLogin(simulator));
    expect(simulator.record.proxySessions.total).toBe(1);
  });

  test('say what is wrong when the proxy service does not know the virtual proxy', async () => {
    await using simulator = await start({});
    const connection = ticketLogin(simulator).replace('/ticket"\n', '/other"\n');
    const ended = await culvert(
      'crawl',
      connectionFile(folder, simulator, connection),
      '--out',
      join(folder, 'none.ndjson'),
    );
    expect(ended.status).toBe(1);
    expect(ended.err.replaceAll(/\s+/g, ' ')).toContain('the proxy service knows no virtual proxy "other"');
  });
});

describe('tokens that the agent signs itself', () => {
  let out: string;
  let made: Ended;
  beforeAll(async () => {
    out = join(folder, 'jwt');
    made = await culvert(
      ...['jwt', 'init', '--out', out, '--prefix', 'culvert', '--host', 'localhost'],
      ...['--user-directory', 'CORP', '--user-id', 'svc_catalog'],
    );
  });
  const site = (profile: ProfileName): Promise<Simulator> =>
    start({
      profile,
      virtualProxies: [
        {
          prefix: 'culvert',
          authenticator: jwtAuthenticator({
            certificatePem: readFileSync(join(out, 'jwt_certificate.pem'), 'utf8'),
            userClaim: 'userId',
            directoryClaim: 'userDirectory',
          }),
        },
      ],
    });
  /** The block that `culvert jwt init` printed, for the address of this site. */
  const printed = ({ addresses }: Simulator): string =>
    (/connection \{\n([\s\S]*)\n\}\n$/.exec(made.out)?.[1] ?? '').replace(
      'https://localhost/culvert',
      `${addresses.proxyUrl}/culvert`,
    );

  test('begin with culvert jwt init, which keeps the key private and fits a terminal', () => {
    expect(made).toMatchObject({ status: 0, err: '' });
    expect(statSync(join(out, 'jwt_key.pem')).mode & 0o777).toBe(0o600);
    expect(made.out).not.toContain('PRIVATE KEY');
    for (const line of made.out.split('\n').filter((text) => !text.includes('_path = ')))
      expect(line.length, line).toBeLessThanOrEqual(80);
    for (const field of ['Prefix', 'JWT certificate', 'JWT attribute for user directory', 'Host allow list'])
      expect(made.out).toContain(field);
  });

  test('never overwrite a key', async () => {
    const key = readFileSync(join(out, 'jwt_key.pem'), 'utf8');
    const again = await culvert('jwt', 'init', '--out', out);
    expect(again).toMatchObject({ status: 4, err: expect.stringContaining('is there already') });
    expect(readFileSync(join(out, 'jwt_key.pem'), 'utf8')).toBe(key);
  });

  test.each(BEFORE_AND_AFTER)('crawl the whole site with what was printed: %s', async (profile) => {
    await using simulator = await site(profile);
    await expectTheTruth(folder, simulator, printed(simulator));
    expect(simulator.record.proxySessions.total).toBe(1);
  });
});
