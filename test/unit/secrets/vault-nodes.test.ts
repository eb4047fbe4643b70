// States of Vault that one node without a licence does not have. The statuses of `sys/health` and the texts are those of
// Vault's API documentation and of its source.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSecretManager } from '#agent/secrets/open.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManager } from '#config/secrets/manager.ts';
import { DIRECT, faultIn, fieldsIn, Machine, reasonIn } from './machine.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const vault = async (listener: RequestListener, path = ''): Promise<SecretManager> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return openSecretManager(
    {
      provider: 'vault',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
      mount: 'kv',
      kvVersion: 2,
      namespace: 'team/qlik',
      login: { method: 'token', token: new Secret('canary-token') },
      key: undefined,
      route: DIRECT,
      cacheMs: 60_000,
    },
    new Dialer(),
    new Machine(),
  );
};

const LOOKUP = { data: { ttl: 0, renewable: false } };

test.each([
  [429, 'is a standby node that reaches no active one', 'load balancer'],
  [472, 'disaster recovery secondary', 'primary cluster'],
  [473, 'performance standby', 'load balancer'],
  [501, 'is not initialised', 'vault operator init'],
  [503, 'is sealed', 'vault operator unseal'],
])('a server error is explained by the health of the node: %i', async (health, message, advice) => {
  const manager = await vault((request, response) => {
    if (request.url === '/v1/auth/token/lookup-self') return void response.end(JSON.stringify(LOOKUP));
    response.writeHead(request.url === '/v1/sys/health' ? health : 500);
    response.end(JSON.stringify({ errors: ['local node not active but active cluster node not found'] }));
  });
  const fault = faultIn(await manager.read('qlik'));
  expect(fault).toMatchObject({ code: 'secrets.unreachable', retryable: true });
  expect(fault.message).toContain(message);
  expect(fault.message).toContain('local node not active');
  expect(fault.advice).toContain(advice);
});

test('a redirect to another node is told, and the token does not go there', async () => {
  const asked: string[] = [];
  const manager = await vault((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(307, { location: 'https://active.example:8200/v1/kv/data/qlik' }).end();
  });
  expect(faultIn(await manager.read('qlik'))).toMatchObject({
    code: 'secrets.unreachable',
    message: expect.stringContaining('(HTTP 307): it sends us to https://active.example:8200/v1/kv/data/qlik'),
    advice: expect.stringContaining('no redirect is followed'),
  });
  expect(asked).toEqual(['/v1/auth/token/lookup-self', '/v1/kv/data/qlik']);
});

test('namespace and a path before the API are sent along', async () => {
  const asked: unknown[] = [];
  const manager = await vault((request, response) => {
    asked.push([request.url, request.headers['x-vault-namespace'], request.headers['x-vault-token']]);
    response.end(JSON.stringify(request.url?.includes('lookup') ? LOOKUP : { data: { data: { a: 'b' } } }));
  }, '/vault');
  expect(fieldsIn(await manager.read('qlik/my secret'))).toEqual({ a: 'b' });
  expect(asked).toEqual([
    ['/vault/v1/auth/token/lookup-self', 'team/qlik', 'canary-token'],
    ['/vault/v1/kv/data/qlik/my%20secret', 'team/qlik', 'canary-token'],
  ]);
});

test('what is not Vault is not called Vault', async () => {
  const manager = await vault((_request, response) => {
    response.writeHead(400, { 'content-type': 'text/html' }).end('<html>canary-token</html>');
  });
  const fault = faultIn(await manager.read('qlik'));
  expect(fault.message).toContain('what answers there is not Vault (HTTP 400)');
  expect(JSON.stringify(fault)).not.toContain('canary-token');
});

test('a token in what a server says is cut out', async () => {
  const manager = await vault((request, response) => {
    response.writeHead(request.url?.includes('lookup') ? 200 : 403);
    const errors = ['no: canary-token, hvs.CAESIJanarycanarycanarycanary, and eyJhbGciOi.eyJzdWIiOi.c2ln'];
    response.end(JSON.stringify(request.url?.includes('lookup') ? LOOKUP : { errors }));
  });
  expect(faultIn(await manager.read('qlik')).message).toContain(
    'may not read kv/data/qlik (no: [redacted], [redacted], and [redacted])',
  );
});

test('a path that climbs is refused without asking', async () => {
  const manager = await vault(() => expect.unreachable());
  expect(reasonIn(await manager.read('a/../../sys'))).toContain('this is no path of a secret');
});

test('who stops waiting ends the request, and the next one asks anew', async () => {
  const hanging = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let asked = 0;
  const manager = await vault((request, response) => {
    if (request.url?.includes('lookup')) return void response.end(JSON.stringify(LOOKUP));
    asked += 1;
    if (asked > 1) return void response.end(JSON.stringify({ data: { data: { a: 'b' } } }));
    response.once('close', ended.resolve);
    hanging.resolve();
  });
  const leaving = new AbortController();
  const reading = manager.read('qlik', { signal: leaving.signal });
  await hanging.promise;
  leaving.abort(new Error('gone'));
  await expect(reading).rejects.toThrow('gone');
  await ended.promise;
  expect(fieldsIn(await manager.read('qlik'))).toEqual({ a: 'b' });
});
