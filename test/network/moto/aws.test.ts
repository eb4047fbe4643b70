/** AWS Secrets Manager, IAM and STS as moto's server plays them; it checks signatures with AWS's own code (botocore). */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSecretManager } from '#agent/secrets/open.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManager, SecretManagerSettings } from '#config/secrets/manager.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { connectProxy } from '#test/unit/network/proxies.ts';
import { DIRECT, faultIn, fieldsIn, Machine, reasonIn } from '#test/unit/secrets/machine.ts';
import { culvert, type Ended } from '../program.ts';
import { Moto, noMoto } from './moto.ts';
import { tlsBefore } from './relay.ts';

type AwsSettings = Extract<SecretManagerSettings, { provider: 'aws-secrets-manager' }>;

const ROLE = 'arn:aws:iam::123456789012:role/culvert';
const policy = (Statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement });
const READ = policy({ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' });

describe.skipIf(noMoto())('AWS', () => {
  let moto: Moto;
  let machine: Machine;
  const closers: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    moto = await Moto.start();
  });
  afterAll(() => moto[Symbol.asyncDispose]());
  beforeEach(async () => {
    await moto.reset();
    machine = new Machine();
    machine.time = Date.now();
    // No test may ask the machine that it runs on.
    machine.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  });
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  });

  const open = (more: Partial<AwsSettings> = {}): SecretManager =>
    openSecretManager(
      {
        provider: 'aws-secrets-manager',
        region: 'eu-west-1',
        accessKeyId: undefined,
        secretAccessKey: undefined,
        sessionToken: undefined,
        profile: undefined,
        endpoint: moto.origin,
        key: undefined,
        route: DIRECT,
        cacheMs: 60_000,
        ...more,
      },
      new Dialer(),
      machine,
    );
  const keys = { accessKeyId: 'canary', secretAccessKey: new Secret('canary-key') };

  /** A user of the account with an access key; with a policy that permits to read secrets, or without. */
  const user = async (permitted = true): Promise<{ accessKeyId: string; secretAccessKey: Secret }> => {
    await moto.ask('iam', 'CreateUser', { UserName: 'culvert' });
    if (permitted)
      await moto.ask('iam', 'PutUserPolicy', { UserName: 'culvert', PolicyName: 'read', PolicyDocument: READ });
    const made = await moto.ask('iam', 'CreateAccessKey', { UserName: 'culvert' });
    return { accessKeyId: made('AccessKeyId'), secretAccessKey: new Secret(made('SecretAccessKey')) };
  };

  /** What a container or an instance is given: credentials of a role, for a while. */
  const role = async (): Promise<object> => {
    const trust = policy({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' });
    await moto.ask('iam', 'CreateRole', { RoleName: 'culvert', AssumeRolePolicyDocument: trust });
    await moto.ask('iam', 'PutRolePolicy', { RoleName: 'culvert', PolicyName: 'read', PolicyDocument: READ });
    const of = await moto.ask('sts', 'AssumeRole', { RoleArn: ROLE, RoleSessionName: 'canary' });
    return {
      Code: 'Success',
      Type: 'AWS-HMAC',
      AccessKeyId: of('AccessKeyId'),
      SecretAccessKey: of('SecretAccessKey'),
      Token: of('SessionToken'),
      Expiration: new Date(machine.time + 3_600_000).toISOString(),
    };
  };

  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  describe('a secret', () => {
    test('of JSON has its fields, by name and by ARN', async () => {
      const text =
        '{"username": "canary-user", "password": "canary-password", "port": 4747, "pin": 12345678901234567890}';
      const { ARN } = await moto.secrets('CreateSecret', { Name: 'qlik/prod', SecretString: text });
      const fields = {
        username: 'canary-user',
        password: 'canary-password',
        port: '4747',
        pin: '12345678901234567890',
      };
      expect(fieldsIn(await open(keys).read('qlik/prod'))).toEqual(fields);
      expect(fieldsIn(await open(keys).read(String(ARN)))).toEqual(fields);
    });

    test('of text, or of bytes, is one field', async () => {
      await moto.secrets('CreateSecret', { Name: 'text', SecretString: 'canary password' });
      await moto.secrets('CreateSecret', { Name: 'bytes', SecretBinary: Buffer.from([0, 255, 1]).toString('base64') });
      const binary = Buffer.from('{"password":"canary-pässword"}').toString('base64');
      await moto.secrets('CreateSecret', { Name: 'json-bytes', SecretBinary: binary });
      const manager = open(keys);
      expect(fieldsIn(await manager.read('text'))).toEqual({ value: 'canary password' });
      expect(fieldsIn(await manager.read('bytes'))).toEqual({ value: 'AP8B' });
      expect(fieldsIn(await manager.read('json-bytes'))).toEqual({ password: 'canary-pässword' });
    });

    test('that is not there, that has no value yet, or that is to be deleted, is missing', async () => {
      await moto.secrets('CreateSecret', { Name: 'empty' });
      await moto.secrets('CreateSecret', { Name: 'gone', SecretString: 'canary' });
      await moto.secrets('DeleteSecret', { SecretId: 'gone' });
      const manager = open(keys);
      expect(reasonIn(await manager.read('none'))).toBe("Secrets Manager can't find the specified secret");
      expect(reasonIn(await manager.read('empty'))).toContain('AWSCURRENT');
      expect(reasonIn(await manager.read('gone'))).toContain('marked for deletion');
    });

    test('that was rotated is seen after the lifetime of the cache, without a restart', async () => {
      await moto.secrets('CreateSecret', { Name: 'turn', SecretString: '{"password":"canary-first"}' });
      const manager = open(keys);
      expect(fieldsIn(await manager.read('turn'))).toEqual({ password: 'canary-first' });
      await moto.secrets('PutSecretValue', { SecretId: 'turn', SecretString: '{"password":"canary-second"}' });
      machine.time += 59_999;
      expect(fieldsIn(await manager.read('turn'))).toEqual({ password: 'canary-first' });
      machine.time += 1;
      expect(fieldsIn(await manager.read('turn'))).toEqual({ password: 'canary-second' });
      await moto.secrets('PutSecretValue', { SecretId: 'turn', SecretString: '{"password":"canary-third"}' });
      expect(fieldsIn(await manager.read('turn', { fresh: true }))).toEqual({ password: 'canary-third' });
    });
  });

  describe('with signatures and policies checked', () => {
    beforeEach(async () => {
      await moto.secrets('CreateSecret', { Name: 'qlik', SecretString: '{"password":"canary-password"}' });
    });
    const password = { password: 'canary-password' };

    test('the right key reads', async () => {
      const right = await user();
      await moto.guard();
      expect(fieldsIn(await open(right).read('qlik'))).toEqual(password);
    });

    test('a wrong secret of the key is told as such', async () => {
      const right = await user();
      await moto.guard();
      const fault = faultIn(await open({ ...right, secretAccessKey: new Secret('canary-wrong') }).read('qlik'));
      expect(fault).toMatchObject({
        code: 'secrets.refused',
        message: expect.stringContaining('the signature is wrong'),
        advice: expect.stringContaining('does not belong to the access key id'),
      });
    });

    test('a clock that is wrong is told as such, not as a wrong key', async () => {
      const right = await user();
      await moto.guard();
      machine.time -= 17 * 60_000;
      const fault = faultIn(await open({ ...right, secretAccessKey: new Secret('canary-wrong') }).read('qlik'));
      expect(fault.message).toContain('The clock of this machine is 17 minutes behind that of AWS.');
      expect(fault.advice).toContain('NTP');
    });

    test('an unknown key is told as such', async () => {
      await moto.guard();
      expect(faultIn(await open(keys).read('qlik'))).toMatchObject({
        code: 'secrets.refused',
        message: expect.stringContaining('AWS does not know the access key'),
      });
    });

    test('a key without the right is told what it needs', async () => {
      const poor = await user(false);
      await moto.guard();
      const fault = faultIn(await open(poor).read('qlik'));
      expect(fault).toMatchObject({
        code: 'secrets.refused',
        message: expect.stringContaining('access denied (User: arn:aws:iam::123456789012:user/culvert'),
        advice: expect.stringContaining('secretsmanager:GetSecretValue'),
      });
    });

    test('keys come from the environment, the region, too', async () => {
      const { accessKeyId, secretAccessKey } = await user();
      await moto.guard();
      machine.env['AWS_ACCESS_KEY_ID'] = accessKeyId;
      machine.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey.reveal();
      machine.env['AWS_DEFAULT_REGION'] = 'eu-west-1';
      machine.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = moto.origin;
      expect(fieldsIn(await open({ region: undefined, endpoint: undefined }).read('qlik'))).toEqual(password);
    });

    test('keys and region come from a profile, which is read again', async () => {
      const { accessKeyId, secretAccessKey } = await user();
      await moto.guard();
      const file = '/home/canary/.aws/credentials';
      machine.files.set(
        '/home/canary/.aws/config',
        '[default]\nregion = us-east-2\n[profile qlik]\nregion = eu-west-1\n',
      );
      machine.files.set(file, `[qlik]\naws_access_key_id=${accessKeyId}\naws_secret_access_key = canary-old\n`);
      const manager = open({ region: undefined, profile: 'qlik' });
      expect(faultIn(await manager.read('qlik')).message).toContain('the signature is wrong');
      machine.files.set(
        file,
        `[qlik]\naws_access_key_id=${accessKeyId}\naws_secret_access_key = ${secretAccessKey.reveal()}\n`,
      );
      machine.time += 60_000;
      expect(fieldsIn(await manager.read('qlik'))).toEqual(password);
    });

    test('keys come from the end point of a container', async () => {
      const credentials = await role();
      await moto.guard();
      const asked: unknown[] = [];
      const origin = await serve((request, response) => {
        asked.push([request.url, request.headers.authorization]);
        response.end(JSON.stringify(credentials));
      });
      machine.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${origin}/v2/credentials?id=1`;
      machine.env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] = '/run/token';
      machine.files.set('/run/token', 'canary-container-token\n');
      const manager = open();
      expect(fieldsIn(await manager.read('qlik'))).toEqual(password);
      expect(fieldsIn(await manager.read('qlik', { fresh: true }))).toEqual(password);
      expect(asked).toEqual([['/v2/credentials?id=1', 'canary-container-token']]);
      // Five minutes before their end, others are asked for.
      machine.time += 3_300_000;
      expect(fieldsIn(await manager.read('qlik'))).toEqual(password);
      expect(asked).toHaveLength(2);
    });

    test('keys and region come from the metadata of an instance, version 2', async () => {
      const credentials = await role();
      await moto.guard();
      const asked: string[] = [];
      let token = 'canary-metadata-1';
      const answers: Record<string, () => string> = {
        '/latest/meta-data/placement/region': () => 'eu-west-1',
        '/latest/meta-data/iam/security-credentials/': () => 'culvert-role',
        '/latest/meta-data/iam/security-credentials/culvert-role': () => JSON.stringify(credentials),
      };
      const origin = await serve((request, response) => {
        const { method, url = '', headers } = request;
        asked.push(`${method} ${url}`);
        if (method === 'PUT' && url === '/latest/api/token')
          return void response
            .writeHead(headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined ? 400 : 200)
            .end(token);
        if (headers['x-aws-ec2-metadata-token'] !== token) return void response.writeHead(401).end();
        const answer = answers[url];
        response.writeHead(answer === undefined ? 404 : 200).end(answer?.());
      });
      machine.env['AWS_EC2_METADATA_DISABLED'] = undefined;
      machine.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = origin;
      const manager = open({ region: undefined });
      expect(fieldsIn(await manager.read('qlik'))).toEqual(password);
      expect(asked.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
      // The session with the metadata ended: another one is made.
      token = 'canary-metadata-2';
      machine.time += 3_400_000;
      expect(fieldsIn(await manager.read('qlik'))).toEqual(password);
      expect(asked.filter((one) => one.startsWith('PUT'))).toHaveLength(2);
    });
  });

  test('a web identity becomes a role by STS, with the token as the file has it now', async () => {
    await moto.secrets('CreateSecret', { Name: 'qlik', SecretString: 'canary-password' });
    const bodies: string[] = [];
    const origin = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        bodies.push(body);
        void fetch(moto.origin, {
          method: 'POST',
          headers: { 'content-type': request.headers['content-type'] ?? '' },
          body,
        }).then(async (reply) => response.writeHead(reply.status).end(await reply.text()));
      });
    });
    Object.assign(machine.env, {
      AWS_ENDPOINT_URL_STS: origin,
      AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token',
      AWS_ROLE_ARN: ROLE,
      AWS_ROLE_SESSION_NAME: 'canary-session',
    });
    machine.files.set('/var/run/token', 'canary.web.first');
    const manager = open();
    expect(fieldsIn(await manager.read('qlik'))).toEqual({ value: 'canary-password' });
    machine.files.set('/var/run/token', 'canary.web.second');
    machine.time += 3_500_000;
    expect(fieldsIn(await manager.read('qlik'))).toEqual({ value: 'canary-password' });
    expect(bodies.map((body) => Object.fromEntries(new URLSearchParams(body)))).toEqual(
      ['first', 'second'].map((name) => ({
        Action: 'AssumeRoleWithWebIdentity',
        Version: '2011-06-15',
        RoleArn: ROLE,
        RoleSessionName: 'canary-session',
        WebIdentityToken: `canary.web.${name}`,
      })),
    );
  });

  test('a connection file takes its password from there, by the real program', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-aws-'));
    closers.push(async () => rmSync(folder, { recursive: true, force: true }));
    const { accessKeyId, secretAccessKey } = await user();
    await moto.secrets('CreateSecret', { Name: 'qlik', SecretString: '{"password":"canary-password"}' });
    await moto.guard();
    const settings = (key: string): string =>
      `connections = connections\nstate = state\nsecret_manager { provider = aws-secrets-manager, key = qlik, configuration {
        region = eu-west-1, access_key_id = ${accessKeyId}, secret_access_key = "${key}", endpoint = "${moto.origin}" } }\n`;
    const config = join(folder, 'agent.conf');
    mkdirSync(join(folder, 'connections'));
    writeFileSync(
      join(folder, 'connections', 'site.conf'),
      `name = Site\ncode = site\nconnector_id = qlik-sense\nsecret_manager.enabled = true\nconnection {
        url = "https://qlik.example.com"
        auth { type = windows, username = "DOMAIN\\\\user", password = \${secret_manager.password} } }\n`,
    );
    const validate = (): Promise<Ended> => culvert('validate', join(folder, 'connections'), '--config', config);
    writeFileSync(config, settings(secretAccessKey.reveal()));
    const good = await validate();
    expect(good.out + good.err).toContain('1 file, 0 errors');
    expect(good.status).toBe(0);
    writeFileSync(config, settings('canary-wrong'));
    const bad = await validate();
    expect(bad.status).toBe(1);
    expect((bad.out + bad.err).replace(/\s+/g, ' ')).toContain('the signature is wrong');
    expect(bad.out + bad.err).not.toMatch(/canary-(?:wrong|password)/);
  });

  test('everything goes through the proxy of the settings, and by their trust', async () => {
    await moto.secrets('CreateSecret', { Name: 'qlik', SecretString: 'canary-password' });
    const authority = new Authority('canary authority');
    await using tls = await tlsBefore(moto.origin, authority.issue({ name: 'localhost', dns: ['localhost'] }));
    await using proxy = await connectProxy({ user: { name: 'canary', password: 'canary-proxy' } });
    const { port } = tls;
    const settings = (authorities: readonly string[], password: string): Partial<AwsSettings> => ({
      ...keys,
      endpoint: `https://localhost:${port}`,
      route: {
        tls: { ...DIRECT.tls, extraAuthorities: authorities },
        proxy: {
          type: 'fixed',
          proxy: {
            scheme: 'http',
            hostname: '127.0.0.1',
            port: proxy.port,
            username: 'canary',
            password: new Secret(password),
            extraAuthorities: [],
            from: 'secret_manager.proxy.hostname',
          },
        },
      },
    });
    const trusted = [authority.certificate];
    expect(fieldsIn(await open(settings(trusted, 'canary-proxy')).read('qlik'))).toEqual({ value: 'canary-password' });
    expect(proxy.asked).toEqual([`localhost:${port}`]);
    expect(faultIn(await open(settings([], 'canary-proxy')).read('qlik'))).toMatchObject({
      code: 'secrets.unreachable',
      advice: expect.stringContaining('secret_manager.tls.truststore.path'),
    });
    expect(faultIn(await open(settings(trusted, 'canary-wrong')).read('qlik'))).toMatchObject({
      code: 'proxy.auth_refused',
      advice: expect.stringContaining('`secret_manager.proxy.username`'),
    });
  });
});
