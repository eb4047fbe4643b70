import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a port of this machine that can be cut: every connection through it ends at once with a reset. */
export class CuttableWay implements AsyncDisposable {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #cutAfterBytes: number | undefined;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async to(port: number): Promise<CuttableWay> {
    const sockets = new Set<Socket>();
    const passed = { count: (_bytes: number): void => {} };
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
      near.on('data', (bytes: Buffer) => passed.count(bytes.byteLength));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const way = new CuttableWay(server, sockets);
    passed.count = (bytes) => way.#count(bytes);
    return way;
  }

  /** Cuts all there is, once. Whoever connects afterwards comes through. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Cuts all there is, once, after so many more bytes towards the port: in the midst of a frame or body. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  #count(bytes: number): void {
    if (this.#cutAfterBytes === undefined) return;
    this.#cutAfterBytes -= bytes;
    if (this.#cutAfterBytes > 0) return;
    this.#cutAfterBytes = undefined;
    this.cut();
  }

  /** True once the cut that was asked for has happened. */
  get wasCut(): boolean {
    return this.#cutAfterBytes === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
