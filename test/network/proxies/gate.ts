import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import type { Issued } from '#test/unit/network/authority.ts';

/** Whoever dials without being told from where comes from here; proxies have addresses of their own. */
const ANYBODY = '127.0.0.1';

/** A door before a server that only proxies find open: connections from any other address are cut. */
export class Gate implements AsyncDisposable {
  /** Connections that did not come from a proxy. */
  bypasses = 0;
  /** Connections that did. */
  passes = 0;
  /** The same by the address of the proxy. */
  readonly passesFrom = new Map<string, number>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `tls`: the gate speaks it and what lies behind does not. `anybody`: it is open to all, for proxies without an address. */
  static async before(port: number, tls?: Issued, { anybody = false } = {}): Promise<Gate> {
    const server: Server = tls ? createTls({ cert: tls.certificate, key: tls.key }) : createServer();
    const gate = new Gate(server);
    server.on('connection', (socket: Socket) => {
      gate.#keep(socket);
      const from = socket.remoteAddress ?? ANYBODY;
      if (from !== ANYBODY || anybody) {
        gate.passes += 1;
        gate.passesFrom.set(from, (gate.passesFrom.get(from) ?? 0) + 1);
      } else {
        gate.bypasses += 1;
        socket.destroy();
      }
    });
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      if (socket.destroyed) return;
      gate.#keep(socket);
      const inner = connect({ host: '127.0.0.1', port });
      gate.#keep(inner);
      socket.pipe(inner).pipe(socket);
      socket.once('close', () => inner.destroy());
      inner.once('close', () => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
