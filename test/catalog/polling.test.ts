import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT_PATH } from '#protocol/constants.ts';
import { decodeEntries, POLLING_HEADERS, POLLING_PATHS } from '#protocol/polling.ts';
import { Served } from './served.ts';

let served: Served;
beforeAll(async () => {
  served = await Served.open();
});
afterAll(() => served?.[Symbol.asyncDispose]());

const post = (path: string, headers: Record<string, string> = {}) =>
  fetch(served.catalog.address + path, { method: 'POST', headers });

test('the catalog takes agents that poll on the port of its page', async () => {
  const opened = await post(POLLING_PATHS.open);
  expect(opened.status).toBe(200);
  // What holds for people is not said to agents.
  expect(opened.headers.get('content-security-policy')).toBeNull();
  expect(opened.headers.get('cache-control')).toBe('no-store, no-transform');
  const { session } = (await opened.json()) as { session: string };
  const headers = { authorization: `Bearer ${session}`, [POLLING_HEADERS.received]: '0' };
  const polled = await post(POLLING_PATHS.poll, headers);
  expect(decodeEntries(new Uint8Array(await polled.arrayBuffer()))).toMatchObject([
    { kind: 'text', text: expect.stringContaining('"hello"') },
  ]);
});

test('a request of a page, by another name, or without a handle gets no further', async () => {
  expect((await post(POLLING_PATHS.open, { origin: 'https://page.example' })).status).toBe(403);
  expect((await post(POLLING_PATHS.poll)).status).toBe(410);
  expect((await fetch(served.catalog.address + POLLING_PATHS.open)).status).toBe(405);
  // A handle opens nothing of the API.
  const { session } = (await (await post(POLLING_PATHS.open)).json()) as { session: string };
  const asked = await fetch(`${served.catalog.address}/api/v1/agents`, {
    headers: { authorization: `Bearer ${session}` },
  });
  expect(asked.status).toBe(401);
});

test('links that were asked for are counted, by their transport and what came of them', async () => {
  const counted = async (transport: string, result: string): Promise<number> => {
    const text = await (await fetch(`${served.catalog.address}/metrics`)).text();
    const name = `culvert_catalog_link_requests_total{transport="${transport}",result="${result}"} `;
    const line = text.split('\n').find((one) => one.startsWith(name));
    return Number(line?.slice(name.length) ?? 0);
  };
  const before = [await counted('polling', 'admitted'), await counted('polling', '403')] as const;
  await post(POLLING_PATHS.open);
  await post(POLLING_PATHS.open, { origin: 'https://page.example' });
  expect([await counted('polling', 'admitted'), await counted('polling', '403')]).toEqual(before.map((n) => n + 1));
  const socket = new WebSocket(served.catalog.address.replace('http', 'ws') + AGENT_PATH, ['culvert.v9']);
  await new Promise((resolve) => socket.addEventListener('error', resolve));
  expect(await counted('websocket', '426')).toBe(1);
});
