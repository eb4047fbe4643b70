import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiError } from '#catalog/api/contract.ts';
import { eventually } from './database.ts';
import { type Client, Served } from './served.ts';

const MOST_STREAMS = 100;

let served: Served;
beforeAll(async () => {
  served = await Served.open();
});
afterAll(() => served?.[Symbol.asyncDispose]());

const open = async ({ address, headers }: Client) => {
  const stop = new AbortController();
  const response = await fetch(`${address}/api/v1/events`, { headers, signal: stop.signal });
  return { response, close: () => stop.abort() };
};

test('an organisation has so many streams of changes and no more; another one is not kept out, a closed one counts no more', async () => {
  const { client } = await served.organisation('Many pages', 'many@example.com');
  const { client: other } = await served.organisation('Few pages', 'few@example.com');
  const streams = await Promise.all(Array.from({ length: MOST_STREAMS }, () => open(client)));
  expect(new Set(streams.map(({ response }) => response.status))).toEqual(new Set([200]));
  const refused = await open(client);
  expect(refused.response.status).toBe(503);
  expect((await refused.response.json()) as ApiError).toMatchObject({
    code: 'api.busy',
    retryable: true,
    advice: expect.stringContaining('Close pages'),
  });
  const theirs = await open(other);
  expect(theirs.response.status).toBe(200);
  streams[0]?.close();
  const again = await eventually(async () => {
    const one = await open(client);
    return one.response.status === 200 && one;
  });
  for (const { close } of [...streams, theirs, again]) close();
});
