import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy that opens tunnels for whoever shows the password, which it repeats to whoever shows none. */
export class ConnectProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  tunnels = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(password: string): Promise<ConnectProxy> {
    const wanted = `Basic ${Buffer.from(`u:${password}`).toString('base64')}`;
    const server = createServer();
    const proxy = new ConnectProxy(server);
    server.on('connect', (request, client: Socket) => {
      client.on('error', () => undefined);
      if (request.headers['proxy-authorization'] !== wanted) {
        client.end(`HTTP/1.1 407 Say ${password}\r\nProxy-Authenticate: Basic realm="${password}"\r\n\r\n`);
        return;
      }
      const { hostname, port } = new URL(`http://${request.url ?? ''}`);
      proxy.tunnels += 1;
      const target = connect(Number(port || '80'), hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(client).pipe(target);
      });
      for (const socket of [client, target]) {
        proxy.#sockets.add(socket);
        socket.on('error', () => client.destroy());
        socket.on('close', () => {
          proxy.#sockets.delete(socket);
          client.destroy();
          target.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
