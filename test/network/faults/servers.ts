/** Servers that rows put in the way: closed ports, ports that swallow, web servers, machines that open TLS. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** A port that was free a moment ago. */
export const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** Any http or https server, on a free port; closing cuts what is connected. */
export const webServer = async (server: Server): Promise<Listening> => {
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
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const PAGE = '<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>';

/** A web server that has nothing to do with Qlik, and a page for everything. */
export const otherSite = (options: ServerOptions): Promise<Listening> =>
  webServer(
    createHttps(options, (_request, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE)),
  );

/** Listens, says where, and then takes nothing: its loop waits, a minute at most, should nobody end it. */
const DEAF = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  console.log(this.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);
  process.exit();
})`;

/** A port whose queue of connections is full: further ones are neither taken nor refused. */
export const blackHole = async (): Promise<Listening> => {
  const child: ChildProcess = spawn(process.execPath, ['-e', DEAF], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, 'line')) as [string];
  const port = Number(line);
  const queued: Socket[] = [];
  // One more than the queue holds stays without an answer: then it is full.
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    queued.push(socket);
    await Promise.race([once(socket, 'connect'), sleep(300)]);
    // After a turn of the loop: on a busy machine what connected long ago is heard of after the timer.
    await setImmediate();
    if (socket.connecting) break;
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queued) socket.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
};

/** A proxy that opens TLS: whatever is asked for, it answers with this certificate. */
export const interceptor = async (certificate: { readonly cert: string; readonly key: string }): Promise<Listening> => {
  const inner = await otherSite(certificate);
  const outer = createHttp((_request, response) => response.writeHead(400).end());
  outer.on('connect', (_request, client: Socket) => {
    const to = connect({ host: '127.0.0.1', port: inner.port });
    client.on('error', () => to.destroy());
    to.on('error', () => client.destroy());
    to.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(to).pipe(client);
    });
  });
  const listening = await webServer(outer);
  return {
    port: listening.port,
    [Symbol.asyncDispose]: async () => {
      await listening[Symbol.asyncDispose]();
      await inner[Symbol.asyncDispose]();
    },
  };
};
