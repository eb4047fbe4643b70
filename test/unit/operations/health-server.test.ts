import { request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HealthServer } from '#agent/operations/health-server.ts';

let server: HealthServer;
beforeEach(async () => {
  server = await HealthServer.open([0], {
    '/livez': () => ({ status: 200, type: 'text', body: 'ok\n' }),
    '/broken': () => Promise.reject(new Error('a defect')),
  });
});
afterEach(() => server.close());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
const ask = ({ method = 'GET', path = '/livez', headers = {}, body }: Asked = {}) =>
  new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    sent.on('error', reject);
    sent.end(body);
  });

describe('the health endpoints', () => {
  test('answer a GET to this machine by its own names', async () => {
    for (const host of ['127.0.0.1', 'localhost', `LOCALHOST:${server.port}`, '[::1]:1'])
      expect(await ask({ headers: { host } })).toMatchObject({ status: 200, text: 'ok\n' });
    const { headers } = await ask();
    expect(headers['cache-control']).toBe('no-store');
    expect(Object.keys(headers).some((name) => name.startsWith('access-control'))).toBe(false);
  });

  test.each([
    'evil.example',
    `evil.example:18474`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    'x@127.0.0.1',
  ])('refuse a page whose name was bound anew to this machine: %s', async (host) => {
    expect((await ask({ headers: { host } })).status).toBe(421);
  });

  test('refuse pages of other origins', async () => {
    expect((await ask({ headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask({ headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  });

  test('take no other method, no body, and know no other path', async () => {
    for (const method of ['POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask({ method })).status, method).toBe(405);
    expect((await ask({ headers: { 'content-length': '3' }, body: 'abc' })).status).toBe(413);
    for (const path of ['/', '/etc/passwd', '/livez/..', '/constructor', '/__proto__'])
      expect((await ask({ path })).status, path).toBe(404);
  });

  test('answer no header without end', async () => {
    await expect(ask({ headers: { 'x-long': 'y'.repeat(10_000) } })).rejects.toThrow();
  });

  test('let no slow reader keep others out, nor hold the agent when it stops', async () => {
    const [most, patienceMs] = [16, 200];
    const large = 'x'.repeat(16 * 1024 * 1024);
    await server.close();
    server = await HealthServer.open(
      [0],
      {
        '/livez': () => ({ status: 200, type: 'text', body: 'ok\n' }),
        '/statusz': () => ({ status: 200, type: 'json', body: large }),
      },
      patienceMs,
    );
    const readers: Socket[] = [];
    const open = async (): Promise<void> => {
      const reader = connect(server.port, '127.0.0.1');
      readers.push(reader);
      reader.on('error', () => {});
      reader.write('GET /statusz HTTP/1.1\r\nhost: localhost\r\n\r\n');
      // Its first bytes say that it holds a connection; the rest it leaves where it is.
      await new Promise<void>((resolve) => reader.once('readable', resolve));
    };
    try {
      for (let n = 0; n < most; n++) await open();
      let answered = await ask().catch(() => undefined);
      for (let n = 0; n < 1_000 && answered === undefined; n++)
        answered = await new Promise<void>((resolve) => setTimeout(resolve, 10)).then(() =>
          ask().catch(() => undefined),
        );
      expect(answered).toMatchObject({ status: 200, text: 'ok\n' });
      await open();
      await server.close();
    } finally {
      for (const reader of readers) reader.destroy();
    }
  });

  test('say when they fail', async () => {
    expect(await ask({ path: '/broken' })).toMatchObject({ status: 500, text: 'Error: a defect\n' });
  });

  test('take the next port when one is taken, and tell when none is free', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    await using other = await HealthServer.open([port, 0], {});
    expect(other.port).not.toBe(port);
    await expect(HealthServer.open([port], {})).rejects.toThrow('EADDRINUSE');
    taken.close();
  });
});
