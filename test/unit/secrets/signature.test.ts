// Vectors of AWS's own test suite for signature version 4 (aws-sig-v4-test-suite, as awslabs/aws-c-auth has it in
// tests/aws-signing-test-suite/v4, Apache-2.0). Those about queries and paths do not apply: the agent signs requests to `/`
// without a query. Where the suite signs a body it names its hash in a header (sign_body), which is given here.
import { expect, test } from 'vitest';
import { type AwsCredentials, signed } from '#agent/secrets/aws/signature.ts';
import { Secret } from '#config/secret.ts';

const credentials: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
  sessionToken: undefined,
};
const NOW = Date.parse('2015-08-30T12:36:00Z');
const HOST = { Host: 'example.amazonaws.com' };
const FORM_HASH = '9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e';
const form = (type: string): Record<string, string> => ({
  ...HOST,
  'Content-Type': type,
  'Content-Length': '13',
  'X-Amz-Content-Sha256': FORM_HASH,
});

test.each<[string, 'GET' | 'POST', Record<string, string>, string, string, string]>([
  [
    'get-vanilla',
    'GET',
    HOST,
    '',
    'host;x-amz-date',
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
  [
    'post-vanilla',
    'POST',
    HOST,
    '',
    'host;x-amz-date',
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  ],
  [
    'get-header-value-trim',
    'GET',
    { ...HOST, 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' },
    '',
    'host;my-header1;my-header2;x-amz-date',
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ],
  [
    'post-header-key-sort',
    'POST',
    { 'My-Header1': 'value1', ...HOST },
    '',
    'host;my-header1;x-amz-date',
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  ],
  [
    'post-x-www-form-urlencoded',
    'POST',
    form('application/x-www-form-urlencoded'),
    'Param1=value1',
    'content-length;content-type;host;x-amz-content-sha256;x-amz-date',
    'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
  ],
  [
    'post-x-www-form-urlencoded-parameters',
    'POST',
    form('application/x-www-form-urlencoded; charset=utf-8'),
    'Param1=value1',
    'content-length;content-type;host;x-amz-content-sha256;x-amz-date',
    '328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422',
  ],
])('%s', (_name, method, headers, body, names, signature) => {
  const all = signed({ method, headers, body, service: 'service', region: 'us-east-1', credentials, now: NOW });
  expect(all['authorization']).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
  );
  expect(all['x-amz-date']).toBe('20150830T123600Z');
});

test.each([
  [
    'get-vanilla-with-session-token',
    'GET' as const,
    '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267',
    '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
  ],
  [
    'post-sts-header-before',
    'POST' as const,
    'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==',
    '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  ],
])('%s', (_name, method, token, signature) => {
  const all = signed({
    method,
    headers: HOST,
    body: '',
    service: 'service',
    region: 'us-east-1',
    credentials: { ...credentials, sessionToken: new Secret(token) },
    now: NOW,
  });
  expect(all['authorization']).toContain(`SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=${signature}`);
  expect(all['x-amz-security-token']).toBe(token);
});
