import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { databaseFault, databasePlace } from '#catalog/store/database-fault.ts';
import { announce, openBus } from '#catalog/store/events.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { connect } from '#catalog/store/sql.ts';
import { eventually, openTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.[Symbol.asyncDispose]());

/** Before the database: what it takes while `silent` gets no answer, as behind a firewall that drops packets. */
let way: Server;
let silent: boolean;
const sockets = new Set<Socket>();
let url: string;
let port: number;
beforeEach(async () => {
  silent = false;
  way = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (silent) return;
    const on = dial(Number(new URL(database.url).port), '127.0.0.1');
    on.on('error', () => {}).on('close', () => socket.destroy());
    socket.on('close', () => on.destroy());
    socket.pipe(on).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(way, 'listening');
  port = (way.address() as AddressInfo).port;
  url = database.url.replace(/:\d+\//, `:${port}/`);
});
const cut = (): void => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
};
afterEach(() => {
  cut();
  way.close();
});
const connectMs = 200;

test('a database that does not answer at the start: what, where and what to do', async () => {
  silent = true;
  const sql = connect(url, { connectMs });
  try {
    await expect(migrate(sql)).rejects.toMatchObject({
      code: 'catalog.unavailable',
      retryable: true,
      message: expect.stringContaining(`CONNECT_TIMEOUT 127.0.0.1:${port}`) as string,
      advice: expect.stringContaining('DATABASE_URL') as string,
    });
  } finally {
    await sql.end({ timeout: 0 });
  }
});

test('a database that goes silent and comes back: queries say so, and asking and listening go on', async () => {
  const sql = connect(url, { connectMs });
  const bus = await openBus(sql);
  const heard: string[] = [];
  bus.onChange('o', (change) => heard.push(change.name === 'agent' ? change.id : ''));
  try {
    await announce(sql, 'o', { name: 'agent', id: 'before' });
    await eventually(async () => heard.includes('before'));
    silent = true;
    cut();
    const late = await eventually(async () => {
      const error: unknown = await sql`select 1`.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return (error as { code?: string } | undefined)?.code === 'CONNECT_TIMEOUT' && error;
    });
    expect(databaseFault(late)).toMatchObject({ code: 'catalog.unavailable', retryable: true });
    expect(databasePlace(late)).toBe(`127.0.0.1:${port}`);
    silent = false;
    cut();
    await eventually(async () => {
      await announce(sql, 'o', { name: 'agent', id: 'after' }).catch(() => {});
      return heard.includes('after');
    });
  } finally {
    await bus.close();
    await sql.end({ timeout: 1 });
  }
});
