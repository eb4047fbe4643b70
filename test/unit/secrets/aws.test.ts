// Errors as the API reference of Secrets Manager, its common errors and those of STS describe them; what moto plays as AWS
// does is in the lane `network`.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { hostOf } from '#agent/secrets/aws/region.ts';
import { openSecretManager } from '#agent/secrets/open.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManager, SecretManagerSettings } from '#config/secrets/manager.ts';
import { DIRECT, faultIn, fieldsIn, Machine, reasonIn } from './machine.ts';

type AwsSettings = Extract<SecretManagerSettings, { provider: 'aws-secrets-manager' }>;

let machine: Machine;
let origin: string;
let answer: RequestListener;
const asked: { readonly headers: Readonly<Record<string, unknown>>; readonly url: string }[] = [];
const server = createServer((request, response) => {
  asked.push({ headers: request.headers, url: request.url ?? '' });
  answer(request, response);
});

beforeEach(async () => {
  machine = new Machine();
  machine.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  asked.length = 0;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const KEYS = {
  accessKeyId: 'canary',
  secretAccessKey: new Secret('canary-secret-key'),
  sessionToken: new Secret('canary-session-token'),
};
const open = (more: Partial<AwsSettings> = KEYS): SecretManager =>
  openSecretManager(
    {
      provider: 'aws-secrets-manager',
      region: 'eu-west-1',
      accessKeyId: undefined,
      secretAccessKey: undefined,
      sessionToken: undefined,
      profile: undefined,
      endpoint: origin,
      key: undefined,
      route: DIRECT,
      cacheMs: 60_000,
      ...more,
    },
    new Dialer(),
    machine,
  );

const fails =
  (status: number, type: string, message: string, headers = {}): RequestListener =>
  (_request, response) =>
    void response
      .writeHead(status, {
        'content-type': 'application/x-amz-json-1.1',
        date: new Date(machine.time).toUTCString(),
        ...headers,
      })
      .end(JSON.stringify({ __type: type, message }));

describe('what AWS says is told apart', () => {
  test('soon, also by an error whose name goes on and on', async () => {
    answer = fails(400, `${'A'.repeat(200_000)}!`, 'canary');
    const { message } = faultIn(await open().read('qlik'));
    expect(message).toContain('canary');
    expect(message.length).toBeLessThan(1000);
  });

  test('and the time to wait is told only when it is one', async () => {
    answer = fails(429, 'ThrottlingException', 'x', { 'retry-after': 'soon\u0085[2J' });
    expect(faultIn(await open().read('qlik')).message).not.toContain('to wait');
    answer = fails(429, 'ThrottlingException', 'x', { 'retry-after': '7' });
    expect(faultIn(await open().read('other')).message).toContain('asks to wait 7 s');
  });

  const NOT_AUTHORIZED =
    'User: arn:aws:iam::123456789012:user/culvert is not authorized to perform: secretsmanager:GetSecretValue on resource: qlik';
  test.each<[string, number, string, string, string, string, string]>([
    [
      'access denied',
      400,
      'AccessDeniedException',
      NOT_AUTHORIZED,
      'secrets.refused',
      'access denied (User: arn',
      'secretsmanager:GetSecretValue',
    ],
    [
      'no use of the key',
      400,
      'AccessDeniedException',
      'Access to KMS is not allowed',
      'secrets.refused',
      'the key of the secret may not be used',
      'kms:Decrypt',
    ],
    [
      'decryption',
      400,
      'DecryptionFailure',
      "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
      'secrets.refused',
      'cannot be decrypted',
      'is enabled',
    ],
    [
      'expired',
      400,
      'ExpiredTokenException',
      'The security token included in the request is expired',
      'secrets.refused',
      'the credentials have expired',
      'Renew the session token',
    ],
    [
      'unknown key',
      400,
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      'secrets.refused',
      'AWS does not know the access key',
      'begins with ASIA',
    ],
    [
      'wrong key',
      400,
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. The Canonical String was x-amz-security-token:canary-session-token',
      'secrets.refused',
      'the signature is wrong',
      'does not belong to the access key id',
    ],
    [
      'clock, in words',
      400,
      'InvalidSignatureException',
      'Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z',
      'secrets.refused',
      'the clocks differ too much',
      'NTP',
    ],
    [
      'clock',
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      'secrets.refused',
      'the clocks differ too much',
      'NTP',
    ],
    [
      'throttled',
      400,
      'ThrottlingException',
      'Rate exceeded',
      'secrets.unreachable',
      'limits the rate of requests (Rate exceeded)',
      'more slowly',
    ],
    [
      'troubled',
      500,
      'InternalServiceError',
      'An error occurred on the server side.',
      'secrets.unreachable',
      'InternalServiceError, HTTP 500',
      'asked again by itself',
    ],
    [
      'else',
      400,
      'InvalidParameterException',
      'The parameter name or value is invalid.',
      'secrets.refused',
      'InvalidParameterException (The parameter',
      'name of the secret',
    ],
  ])('%s', async (_name, status, type, message, code, said, advice) => {
    for (const spelling of [type, `com.amazonaws.secretsmanager#${type}`]) {
      answer = fails(status, spelling, message);
      const fault = faultIn(await open().read('qlik'));
      expect(fault.code).toBe(code);
      expect(fault.retryable).toBe(code === 'secrets.unreachable');
      expect(fault.message).toContain(said);
      expect(fault.advice).toContain(advice);
      expect(JSON.stringify(fault)).not.toMatch(/canary-(?:secret|session)/);
    }
  });

  test('a signature that is wrong because the clock is 20 minutes ahead', async () => {
    answer = fails(400, 'InvalidSignatureException', 'It does not match.', {
      date: new Date(machine.time - 1_200_000).toUTCString(),
    });
    expect(faultIn(await open().read('qlik')).message).toContain('is 20 minutes ahead of that of AWS');
  });

  test('a name in the header of the answer, with an address behind', async () => {
    answer = (_request, response) =>
      void response.writeHead(404, { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal/' }).end('{}');
    expect(reasonIn(await open().read('qlik'))).toBe('it is not there');
  });

  test('a secret of AWS that holds neither text nor bytes', async () => {
    answer = (_request, response) => void response.end('{"Name":"qlik"}');
    expect(faultIn(await open().read('qlik'))).toMatchObject({ code: 'secrets.invalid' });
  });

  test('what is no AWS', async () => {
    answer = (_request, response) => void response.writeHead(503).end('<html>canary-session-token</html>');
    const fault = faultIn(await open().read('qlik'));
    expect(fault.message).toContain('the answer is not one of AWS (HTTP 503)');
    expect(JSON.stringify(fault)).not.toContain('canary-session');
  });
});

test('credentials that ended are looked for again, once', async () => {
  const keys = (id: string): string => `[default]\naws_access_key_id = ${id}\naws_secret_access_key = canary # old\n`;
  machine.files.set('/home/canary/.aws/credentials', keys('first'));
  const good = JSON.stringify({ SecretString: 'x' });
  answer = (request, response) => {
    if (!request.headers.authorization?.includes('Credential=first/')) return void response.end(good);
    machine.files.set('/home/canary/.aws/credentials', keys('second'));
    fails(400, 'ExpiredTokenException', 'expired')(request, response);
  };
  expect(fieldsIn(await open({}).read('qlik'))).toEqual({ value: 'x' });
  expect(asked).toHaveLength(2);
});

test('an ARN is asked for in its own region', async () => {
  answer = (_request, response) => void response.end(JSON.stringify({ SecretString: 'x' }));
  await open().read('arn:aws:secretsmanager:us-gov-west-1:123456789012:secret:qlik-AbCdEf');
  expect(String(asked[0]?.headers['authorization'])).toContain('/us-gov-west-1/secretsmanager/aws4_request');
  expect([hostOf('sts', 'eu-central-1'), hostOf('secretsmanager', 'cn-north-1')]).toEqual([
    'sts.eu-central-1.amazonaws.com',
    'secretsmanager.cn-north-1.amazonaws.com.cn',
  ]);
});

describe('without credentials', () => {
  test('every place that was looked at is named', async () => {
    const fault = faultIn(await open({}).read('qlik'));
    expect(fault).toMatchObject({ code: 'secrets.refused' });
    expect(fault.message).toContain('There are no credentials for AWS: none in agent.conf');
    expect(asked).toEqual([]);
  });

  test('a profile that is not there', async () => {
    expect(faultIn(await open({ profile: 'qlik' }).read('x')).message).toContain('There is no profile “qlik”');
  });

  test.each(['sso_session = corp', 'credential_process = /bin/keys', 'role_arn = arn\nsource_profile = base'])(
    'a profile that needs the program of AWS: %s',
    async (lines) => {
      machine.files.set('/home/canary/.aws/config', `[profile qlik]\nregion = eu-west-1\n${lines}\n`);
      expect(faultIn(await open({ profile: 'qlik' }).read('x'))).toMatchObject({
        code: 'secrets.refused',
        message: expect.stringMatching(/uses (?:sso_session|credential_process|source_profile)/),
      });
    },
  );

  test('a web identity whose file is not there', async () => {
    machine.env['AWS_WEB_IDENTITY_TOKEN_FILE'] = '/run/token';
    machine.env['AWS_ROLE_ARN'] = 'arn:aws:iam::123456789012:role/culvert';
    expect(faultIn(await open({}).read('x')).message).toContain('web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)');
  });

  test('a web identity that STS refuses', async () => {
    machine.env['AWS_WEB_IDENTITY_TOKEN_FILE'] = '/run/token';
    machine.env['AWS_ROLE_ARN'] = 'arn:aws:iam::123456789012:role/culvert';
    machine.env['AWS_ENDPOINT_URL_STS'] = origin;
    machine.files.set('/run/token', 'canary-web-token');
    answer = (_request, response) =>
      void response
        .writeHead(403)
        .end(
          '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity &amp; canary-web-token</Message></Error></ErrorResponse>',
        );
    const fault = faultIn(await open({}).read('x'));
    expect(fault.message).toContain('assuming the role arn:aws:iam::123456789012:role/culvert: access denied (Not');
    expect(fault.message).toContain('& [redacted])');
    expect(fault.advice).toContain('trust policy');
  });

  test.each(['http://169.254.170.3/x', 'http://example.com/x', 'file:///etc/passwd', 'not an address'])(
    'an end point of a container that may not be asked in clear: %s',
    async (address) => {
      machine.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = address;
      expect(faultIn(await open({}).read('x')).message).toContain('not one that credentials may be asked of in clear');
    },
  );

  test('a container whose end point has none', async () => {
    machine.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${origin}/credentials`;
    answer = (_request, response) => void response.writeHead(500).end('{"message":"canary"}');
    expect(faultIn(await open({}).read('x')).message).toContain('gave no credentials (HTTP 500)');
  });

  test('an end point of the environment that would be reached in clear', async () => {
    machine.env['AWS_ENDPOINT_URL'] = 'http://aws.example.com';
    const fault = faultIn(await open({ ...KEYS, endpoint: undefined }).read('x'));
    expect(fault.message).toBe('The environment variable AWS_ENDPOINT_URL is no https:// address');
  });

  test('a region that nothing names, or that is none', async () => {
    expect(faultIn(await open({ ...KEYS, region: undefined }).read('x')).message).toContain('in which region');
    machine.env['AWS_REGION'] = 'eu-west-1.example.com/';
    expect(faultIn(await open({ ...KEYS, region: undefined }).read('x', { fresh: true })).message).toContain(
      'is no region of AWS',
    );
  });
});
