import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiError } from '#catalog/api/contract.ts';
import { createCatalog } from '#catalog/catalog.ts';
import { addMember, createLoginToken } from '#catalog/store/members.ts';
import { createOrganisation } from '#catalog/store/organisations.ts';
import { silent } from './database.ts';
import { Client, Served } from './served.ts';

let served: Served;
let web: string;
let org: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  web = await mkdtemp(join(tmpdir(), 'culvert-web-'));
  await writeFile(join(web, 'index.html'), '<!doctype html><title>the page</title>');
  served = await Served.open(web);
  org = await served.organisation('Acme', 'ann@example.com');
});
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
  await rm(web, { recursive: true, force: true });
});

const isApiError = {
  code: expect.any(String),
  message: expect.any(String),
  retryable: expect.any(Boolean),
  advice: expect.any(String),
};

/** Asks with a header that fetch does not let through. */
const askRaw = (headers: Record<string, string>, path = '/livez', method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const url = new URL(served.catalog.address);
    request({ host: url.hostname, port: url.port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

describe('login', () => {
  test('with a password', async () => {
    const password = 'canary correct horse';
    await addMember(served.sql, {
      organisationId: org.organisationId,
      email: 'Bob@Example.com',
      name: 'Bob',
      password,
    });
    const reply = await served.anonymous.ask('POST', '/api/v1/login', { email: 'bob@example.COM', password });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      user: { email: 'bob@example.com', name: 'Bob' },
      organisation: { id: org.organisationId, name: 'Acme' },
      csrf: expect.stringMatching(/^.{32}$/),
    });
    const cookie = reply.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    const [stored] =
      await served.sql`select password_hash, (select string_agg(encode(hash, 'hex'), '') from session) as hashes
      from member where email = 'bob@example.com'`;
    expect(stored?.['password_hash']).toMatch(/^scrypt\$15\$8\$1\$/);
    expect(JSON.stringify(stored)).not.toContain(password);
    const wrong = await served.anonymous.ask('POST', '/api/v1/login', { email: 'bob@example.com', password: 'no' });
    const nobody = await served.anonymous.ask('POST', '/api/v1/login', { email: 'no@example.com', password: 'no' });
    expect([wrong.status, nobody.status]).toEqual([401, 401]);
    expect(wrong.body).toEqual(nobody.body);
  });

  test('with a token that works once and not after its time', async () => {
    const oneTimeToken = await createLoginToken(served.sql, org.member);
    const again = () => served.anonymous.ask('POST', '/api/v1/login', { oneTimeToken });
    expect((await again()).status).toBe(200);
    expect(await again()).toMatchObject({ status: 401, body: { code: 'api.wrong_login' } });
    const late = await createLoginToken(served.sql, org.member);
    await served.sql`update login_token set expires_at = now() where used_at is null`;
    expect((await served.anonymous.ask('POST', '/api/v1/login', { oneTimeToken: late })).status).toBe(401);
  });

  test('is refused after too many wrong ones, for that user only', async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const reply = await served.anonymous.ask('POST', '/api/v1/login', {
        email: 'victim@example.com',
        password: `${i}`,
      });
      statuses.add(reply.status);
    }
    expect([...statuses]).toEqual([401, 429]);
    const oneTimeToken = await createLoginToken(served.sql, org.member);
    expect((await served.anonymous.ask('POST', '/api/v1/login', { oneTimeToken })).status).toBe(200);
  });

  test('ends with logout, and with its time', async () => {
    const browser = await served.browser('ann@example.com');
    expect((await browser.get('/api/v1/me')).status).toBe(200);
    expect((await browser.ask('POST', '/api/v1/logout', undefined, { 'x-csrf-token': browser.csrf })).status).toBe(204);
    expect(await browser.get('/api/v1/me')).toMatchObject({ status: 401, body: { code: 'api.unauthenticated' } });
    const second = await served.browser('ann@example.com');
    await served.sql`update session set last_used_at = now() - interval '13 hours'`;
    expect((await second.get('/api/v1/me')).status).toBe(401);
  });
});

describe('what protects a session', () => {
  test('changes by cookie need the CSRF token of that very login', async () => {
    const [browser, other] = [await served.browser('ann@example.com'), await served.browser('ann@example.com')];
    const make = (headers: Record<string, string>) =>
      browser.ask('POST', '/api/v1/enrolment-tokens', undefined, headers);
    expect(await make({})).toMatchObject({ status: 403, body: { code: 'api.csrf' } });
    expect((await make({ 'x-csrf-token': other.csrf })).status).toBe(403);
    expect((await make({ 'x-csrf-token': browser.csrf })).status).toBe(201);
    expect((await make({ 'x-csrf-token': browser.csrf, origin: 'https://evil.example.com' })).status).toBe(403);
    expect((await make({ 'x-csrf-token': browser.csrf, origin: served.catalog.address })).status).toBe(201);
  });

  test('names that are not of this machine are refused: DNS rebinding', async () => {
    const { port } = new URL(served.catalog.address);
    const ask = (host: string) => askRaw({ host }, '/api/openapi.json');
    expect(await ask(`evil.example.com:${port}`)).toBe(403);
    expect(await ask(`localhost.evil.example.com:${port}`)).toBe(403);
    expect(await ask(`127.0.0.1.evil.example.com`)).toBe(403);
    expect(await ask('127.0.0.1@evil.example.com')).toBe(403);
    expect(await ask(`localhost:${port}`)).toBe(200);
    expect(await ask(`[::1]:${port}`)).toBe(200);
  });

  test('an address that is no URL is not found', async () => {
    expect(await askRaw({}, '//[')).toBeLessThan(500);
  });

  test('headers', async () => {
    const { headers } = await served.anonymous.get('/api/v1/me');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('behind a proxy that speaks TLS: secure cookies, one public name', async () => {
    const { url } = await served.database.fresh();
    const catalog = await createCatalog({
      databaseUrl: url,
      log: silent,
      behindTlsProxy: true,
      publicHost: 'catalog.example.com',
    });
    try {
      const password = 'canary correct horse';
      const { id: organisationId } = await createOrganisation(catalog.store.sql, 'Acme');
      await addMember(catalog.store.sql, { organisationId, email: 'ann@example.com', password });
      const login = { email: 'ann@example.com', password };
      const { headers } = await new Client(catalog.address).ask('POST', '/api/v1/login', login);
      expect(headers.get('set-cookie')).toMatch(/^__Host-culvert=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
      expect(headers.get('strict-transport-security')).toContain('max-age');
    } finally {
      await catalog.close();
    }
  });

  test('without TLS it does not listen to other machines', async () => {
    const start = createCatalog({ databaseUrl: served.database.url, host: '0.0.0.0', log: silent });
    await expect(start).rejects.toMatchObject({
      code: 'catalog.unavailable',
      advice: expect.stringContaining('--tls-cert'),
    });
  });
});

describe('API tokens', () => {
  test('are made, listed without the secret, used and deleted', async () => {
    const browser = await served.browser('ann@example.com');
    const made = await browser.ask<{ id: string; token: string }>(
      'POST',
      '/api/v1/tokens',
      { name: 'ci', expiresInDays: 1 },
      { 'x-csrf-token': browser.csrf },
    );
    expect(made.status).toBe(201);
    const client = new Client(served.catalog.address, { authorization: `Bearer ${made.body.token}` });
    // One that leaked ends when it is deleted: it cannot make itself a successor.
    const successor = await client.ask('POST', '/api/v1/tokens', { name: 'mine' });
    expect(successor).toMatchObject({ status: 403, body: { code: 'api.forbidden' } });
    expect((await client.get('/api/v1/me')).body).toMatchObject({ user: { email: 'ann@example.com' } });
    const list = await client.get('/api/v1/tokens');
    expect(JSON.stringify(list.body)).toContain(made.body.id);
    expect(JSON.stringify(list.body)).not.toContain(made.body.token);
    expect((await client.ask('DELETE', `/api/v1/tokens/${made.body.id}`)).status).toBe(204);
    expect((await client.get('/api/v1/me')).status).toBe(401);
  });

  test('that are wrong or expired open nothing, even beside a good cookie', async () => {
    const browser = await served.browser('ann@example.com');
    expect((await browser.ask('GET', '/api/v1/me', undefined, { authorization: 'Bearer cva_wrong' })).status).toBe(401);
    expect((await browser.ask('GET', '/api/v1/me', undefined, { authorization: 'Basic YTpi' })).status).toBe(401);
    const made = await browser.ask<{ token: string; id: string }>(
      'POST',
      '/api/v1/tokens',
      { name: 'old' },
      { 'x-csrf-token': browser.csrf },
    );
    await served.sql`update api_token set expires_at = now() where id = ${made.body.id}`;
    const client = new Client(served.catalog.address, { authorization: `Bearer ${made.body.token}` });
    expect((await client.get('/api/v1/me')).status).toBe(401);
  });
});

describe('errors have one shape', () => {
  test.each([
    ['GET', '/api/v1/nothing', undefined, 404],
    ['POST', '/nothing', undefined, 404],
    ['GET', '/api/v1/jobs/nope', undefined, 404],
    ['GET', '/api/v1/jobs/nope/scopes', undefined, 404],
    ['POST', '/api/v1/jobs/nope/cancel', undefined, 404],
    ['GET', '/api/v1/asset?key=nope', undefined, 404],
    ['GET', '/api/v1/asset', undefined, 400],
    ['GET', '/api/v1/connections/nope', undefined, 404],
    ['POST', '/api/v1/connections/nope/jobs', { kind: 'crawl' }, 404],
    ['POST', '/api/v1/connections/nope/jobs', { kind: 'rm -rf' }, 400],
    ['POST', '/api/v1/connections/nope/jobs', { kind: 'test' }, 404],
    ['POST', '/api/v1/connections/nope/jobs', { kind: 'test', options: { link: 'yes' } }, 400],
    ['GET', '/api/v1/jobs/nope/checks', undefined, 404],
    ['POST', '/api/v1/connections/nope/jobs', '{"kind":', 400],
    ['DELETE', '/api/v1/connections/nope', { confirm: 'nope' }, 404],
    ['DELETE', '/api/v1/connections/nope', { confirm: 'other' }, 400],
    ['POST', '/api/v1/connections/nope/assign', { agentId: 'x' }, 404],
    ['POST', '/api/v1/connections/nope/take-over', { from: 'x' }, 404],
    ['DELETE', '/api/v1/tokens/nope', undefined, 404],
    ['GET', '/api/v1/assets?kind=nope', undefined, 400],
    ['GET', '/api/v1/assets?limit=100000', undefined, 400],
    ['GET', '/api/v1/assets?after=%00', undefined, 400],
    ['GET', '/api/v1/jobs?after=WyJ4IiwieSJd', undefined, 400],
    ['GET', '/api/v1/jobs?after=WyIyMDI2LTk5LTk5IDk5Ojk5Ojk5Kzk5IiwgInkiXQ', undefined, 400],
    ['GET', '/api/v1/assets?q=%00', undefined, 400],
    ['GET', '/api/v1/connections/%00', undefined, 400],
    ['GET', '/api/v1/connections/%ff', undefined, 400],
    ['POST', '/v1/enrol', { token: 'x', name: 'x', publicKey: 'x', version: '1' }, 403],
    ['POST', '/v1/enrol', { token: 'x' }, 400],
    ['POST', '/api/v1/tokens', { name: 'x'.repeat(70_000) }, 413],
  ] as const)('%s %s', async (method, path, body, status) => {
    const reply = await org.client.ask<ApiError>(method, path, body);
    expect([reply.status, reply.body]).toEqual([status, isApiError]);
  });

  test('without a login every endpoint of the document says so', async () => {
    const { body } = await served.anonymous.get<{ paths: Record<string, object> }>('/api/openapi.json');
    for (const [path, methods] of Object.entries(body.paths))
      for (const method of Object.keys(methods)) {
        if (['/api/v1/login', '/v1/enrol'].includes(path)) continue;
        const reply = await served.anonymous.ask(method.toUpperCase(), path.replace(/\{\w+\}/, 'x'));
        expect([path, reply.status, reply.body]).toEqual([path, 401, { ...isApiError, code: 'api.unauthenticated' }]);
      }
  });

  test('what went wrong inside stays in the log', async () => {
    const errors: object[] = [];
    await using database = await (async () => {
      const own = await served.database.fresh();
      return { ...own, [Symbol.asyncDispose]: async () => {} };
    })();
    const log = { ...silent, error: (fields: object) => void errors.push(fields) };
    const catalog = await createCatalog({ databaseUrl: database.url, log });
    try {
      await catalog.store.sql`drop table login_token`;
      const reply = await new Client(catalog.address).ask<ApiError>('POST', '/api/v1/login', {
        oneTimeToken: 'canary',
      });
      expect([reply.status, reply.body.code]).toEqual([500, 'internal']);
      expect(reply.body.message).not.toMatch(/login_token|relation/);
      expect(String((errors[0] as { err: Error }).err)).toMatch(/login_token/);
    } finally {
      await catalog.close();
    }
  });
});

describe('what the server says of itself', () => {
  test('the page, at every address inside it', async () => {
    for (const path of ['/', '/login?token=x', '/browse/prod/a.b']) {
      const reply = await served.anonymous.get<string>(path);
      expect([reply.status, reply.body]).toEqual([200, expect.stringContaining('the page')]);
    }
    expect((await served.anonymous.get('/assets/missing.js')).status).toBe(404);
    expect((await served.anonymous.get<string>('/..%2f..%2fpackage.json')).body).not.toContain('dependencies');
  });

  test('health', async () => {
    expect((await served.anonymous.get('/livez')).body).toEqual({ ok: true });
    expect((await served.anonymous.get('/readyz')).body).toEqual({ ok: true });
    expect(await askRaw({ host: 'probe.internal' })).toBe(200);
  });

  test('the document names every endpoint, with its shapes', async () => {
    const { body } = await served.anonymous.get<{ openapi: string; paths: object; components: { schemas: object } }>(
      '/api/openapi.json',
    );
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.components.schemas)).toEqual(
      expect.arrayContaining(['Agent', 'Asset', 'Connection', 'Counts', 'Error', 'Job', 'Me', 'ScopeOutcome']),
    );
    const named = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(named.sort()).toEqual(
      [
        'POST /api/v1/login',
        'POST /api/v1/logout',
        'GET /api/v1/me',
        'GET /api/v1/agents',
        'GET /api/v1/agents/{id}',
        'POST /api/v1/agents/{id}/disable',
        'POST /api/v1/agents/{id}/enable',
        'POST /api/v1/agents/{id}/log-level',
        'POST /api/v1/agents/{id}/release',
        'POST /api/v1/agents/{id}/renew-key',
        'POST /api/v1/agents/{id}/revoke',
        'POST /api/v1/agents/{id}/keys/{key}/revoke',
        'POST /api/v1/enrolment-tokens',
        'GET /api/v1/connections',
        'GET /api/v1/connections/{code}',
        'POST /api/v1/connections/{code}/jobs',
        'GET /api/v1/connections/{code}/publishes',
        'GET /api/v1/connections/{code}/settings',
        'PUT /api/v1/connections/{code}/settings',
        'POST /api/v1/connections/{code}/settings/check',
        'GET /api/v1/connections/{code}/settings/history',
        'POST /api/v1/connections/{code}/take-over',
        'POST /api/v1/connections/{code}/assign',
        'DELETE /api/v1/connections/{code}',
        'GET /api/v1/jobs',
        'GET /api/v1/jobs/{id}',
        'GET /api/v1/jobs/{id}/scopes',
        'GET /api/v1/jobs/{id}/checks',
        'GET /api/v1/jobs/{id}/difference',
        'GET /api/v1/jobs/{id}/inventory',
        'GET /api/v1/jobs/{id}/inventory.csv',
        'GET /api/v1/jobs/{id}/inventory/items',
        'POST /api/v1/jobs/{id}/cancel',
        'GET /api/v1/assets',
        'GET /api/v1/asset',
        'GET /api/v1/assets/picture',
        'GET /api/v1/assets/pictures',
        'GET /api/v1/lineage',
        'GET /api/v1/lineage/edge',
        'GET /api/v1/lineage/impact',
        'GET /api/v1/lineage/impact.csv',
        'GET /api/v1/findings',
        'GET /api/v1/findings.csv',
        'GET /api/v1/findings/counts',
        'GET /api/v1/counts',
        'GET /api/v1/tokens',
        'POST /api/v1/tokens',
        'DELETE /api/v1/tokens/{id}',
        'GET /api/v1/events',
        'POST /v1/enrol',
      ].sort(),
    );
  });
});
