import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer as createTcp, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Issued } from './authority.ts';

export interface ProxyOptions {
  /** Whom the proxy lets through; undefined: everybody. */
  readonly user?: { readonly name: string; readonly password: string };
  /** TLS on the way to the proxy. */
  readonly tls?: Issued;
  /** Answers every CONNECT with this instead. */
  readonly refusal?: string;
  /** Where names lead that only this proxy knows; anything else leads to 127.0.0.1. */
  readonly names?: Readonly<Record<string, number>>;
  /** Called when a client named itself, whether it was let in or not. */
  readonly onLogin?: () => void;
  /** Instead of piping to the target: plays it. */
  readonly play?: (socket: Duplex) => void;
}

/** A proxy of this process, and what it was asked for. */
export interface FakeProxy extends AsyncDisposable {
  readonly port: number;
  /** `host:port`, as asked for, of every tunnel that was opened or refused. */
  readonly asked: string[];
  /** Connections from clients that are open now. */
  readonly open: () => number;
}

/** The address that proxies of the tests dial from: targets can tell them from anybody else. */
export const PROXY_ADDRESS = '127.0.0.2';

const serve = async (server: Server, asked: string[]): Promise<FakeProxy> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const joinTo = (client: Duplex, asked: string, options: ProxyOptions, joined: (error?: Error) => void): void => {
  client.on('error', () => undefined);
  if (options.play !== undefined) {
    joined();
    options.play(client);
    return;
  }
  const colon = asked.lastIndexOf(':');
  const port = options.names?.[asked.slice(0, colon)] ?? Number(asked.slice(colon + 1));
  const upstream = connect({ host: '127.0.0.1', port, localAddress: PROXY_ADDRESS });
  upstream.once('connect', () => {
    joined();
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', joined);
  upstream.once('close', () => client.destroy());
  client.once('close', () => upstream.destroy());
};

/** An HTTP proxy that knows CONNECT only. */
export const connectProxy = (options: ProxyOptions = {}): Promise<FakeProxy> => {
  const asked: string[] = [];
  const server = options.tls
    ? createHttps({ cert: options.tls.certificate, key: options.tls.key })
    : createHttp((_request, response) => response.writeHead(400).end());
  server.on('connect', (request, client) => {
    asked.push(request.url ?? '');
    const { user, refusal } = options;
    if (request.headers['proxy-authorization'] !== undefined) options.onLogin?.();
    const wanted = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
    if (refusal !== undefined) client.end(refusal);
    else if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted)
      client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x, y"\r\n\r\n<h1>who?</h1>',
      );
    else
      joinTo(client, request.url ?? '', options, (error) => {
        if (error) client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
        else client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      });
  });
  return serve(server, asked);
};

const SOCKS5_GRANTED = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

/** A proxy that speaks SOCKS5 (with a name and a password, if it has a user) and SOCKS4a (with the name). */
export const socksProxy = (options: ProxyOptions & { readonly reply?: number } = {}): Promise<FakeProxy> => {
  const asked: string[] = [];
  const server = createTcp((client) => {
    client.on('error', () => undefined);
    const read = reader(client);
    const run = async (): Promise<void> => {
      const version = (await read(1))[0];
      if (version === 4) return await socks4a();
      await read((await read(1))[0] ?? 0);
      if (options.user === undefined) client.write(Buffer.from([5, 0]));
      else {
        client.write(Buffer.from([5, 2]));
        await read(1);
        const name = (await read((await read(1))[0] ?? 0)).toString();
        const password = (await read((await read(1))[0] ?? 0)).toString();
        options.onLogin?.();
        const right = name === options.user.name && password === options.user.password;
        client.write(Buffer.from([1, right ? 0 : 1]));
        if (!right) return void client.end();
      }
      const kind = (await read(4))[3];
      const host =
        kind === 3
          ? (await read((await read(1))[0] ?? 0)).toString()
          : [...(await read(kind === 1 ? 4 : 16))].join('.');
      const target = `${host}:${(await read(2)).readUInt16BE()}`;
      asked.push(target);
      if (options.reply !== undefined) return void client.end(Buffer.from([5, options.reply, 0, 1, 0, 0, 0, 0, 0, 0]));
      read.release();
      joinTo(client, target, options, (error) => {
        if (error) client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]));
        else client.write(SOCKS5_GRANTED);
      });
    };
    const socks4a = async (): Promise<void> => {
      const head = await read(7);
      const text = async (): Promise<string> => {
        let value = '';
        for (let byte = await read(1); byte[0] !== 0; byte = await read(1)) value += byte.toString('latin1');
        return value;
      };
      const name = await text();
      const byName = head[3] === 0 && head[4] === 0 && head[5] === 0;
      const target = `${byName ? await text() : [...head.subarray(3)].join('.')}:${head.readUInt16BE(1)}`;
      asked.push(target);
      const answer = (code: number): Buffer => Buffer.from([0, code, 0, 0, 0, 0, 0, 0]);
      if (options.user !== undefined && name !== options.user.name) return void client.end(answer(93));
      read.release();
      joinTo(client, target, options, (error) => {
        if (error) client.end(answer(91));
        else client.write(answer(90));
      });
    };
    run().catch(() => client.destroy());
  });
  return serve(server, asked);
};

/** Reads exactly so many bytes; `release` gives the socket back. */
const reader = (socket: Socket): ((bytes: number) => Promise<Buffer>) & { release(): void } => {
  const read = async (bytes: number): Promise<Buffer> => {
    for (;;) {
      const chunk = bytes === 0 ? Buffer.alloc(0) : (socket.read(bytes) as Buffer | null);
      if (chunk !== null) return chunk;
      await Promise.race([
        once(socket, 'readable'),
        once(socket, 'close').then(() => Promise.reject(new Error('closed'))),
      ]);
    }
  };
  return Object.assign(read, { release: () => socket.removeAllListeners('readable') });
};

/** A server that treats each connection as the test wants. */
export const rawServer = (onConnection: (socket: Socket) => void): Promise<FakeProxy> =>
  serve(createTcp(onConnection), []);
