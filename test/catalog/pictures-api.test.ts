import { afterAll, beforeAll, expect, test } from 'vitest';
import { Served } from './served.ts';

let served: Served;
let client: Awaited<ReturnType<Served['organisation']>>['client'];
let organisationId: string;
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>Übersicht</title></svg>';

beforeAll(async () => {
  served = await Served.open();
  ({ client, organisationId } = await served.organisation('One', 'ada@example.com'));
  await served.crawled(organisationId, 'prod', { a: ['s1', 's2'] });
  await served.sql`insert into picture (organisation_id, scope_id, key, source, media_type, content, hash)
    select organisation_id, scope_id, key, 'layout', 'image/svg+xml', ${Buffer.from(SVG)}, '\\x01ab'::bytea from asset
    where organisation_id = ${organisationId} and key = 'prod/a/s1'`;
});
afterAll(() => served?.[Symbol.asyncDispose]());

const PATH = `/api/v1/assets/picture?key=${encodeURIComponent('prod/a/s1')}`;

test('a picture comes with headers that let nothing in it run', async () => {
  const { status, headers, body } = await client.ask<string>('GET', PATH);
  expect(status).toBe(200);
  expect(body).toBe(SVG);
  expect(headers.get('content-type')).toBe('image/svg+xml');
  expect(headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'; sandbox");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('private, no-cache');
  expect(headers.get('etag')).toBe('"01ab"');
  const again = await client.ask('GET', PATH, undefined, { 'if-none-match': '"01ab"' });
  expect([again.status, again.body]).toEqual([304, '']);
  expect((await client.ask('GET', PATH, undefined, { 'if-none-match': '"other"' })).status).toBe(200);
});

test('the list says which there are of an app and its sheets', async () => {
  const { body } = await client.get<{ items: unknown[] }>('/api/v1/assets/pictures?key=prod%2Fa');
  expect(body.items).toMatchObject([
    { key: 'prod/a/s1', kind: 'sheet', source: 'layout', version: '01ab', charts: [] },
  ]);
});

test('what is not there, and what belongs to others, is not found; without a login nothing is said', async () => {
  expect((await client.get(`${PATH}&source=data`)).status).toBe(404);
  expect((await client.get(`${PATH}&source=elsewhere`)).status).toBe(400);
  const other = await served.organisation('Two', 'bob@example.com');
  expect((await other.client.get(PATH)).status).toBe(404);
  expect((await other.client.get<{ items: unknown[] }>('/api/v1/assets/pictures?key=prod%2Fa')).body.items).toEqual([]);
  expect((await served.anonymous.get(PATH)).status).toBe(401);
});
