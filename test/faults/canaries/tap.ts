import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { zstdDecompressSync } from 'node:zlib';
import WebSocket, { WebSocketServer } from 'ws';
import { AGENT_PATH, LIMITS, SUBPROTOCOL } from '#protocol/constants.ts';
import { decodeFrame } from '#protocol/frame.ts';

/** A gateway that hands everything on to the real one and keeps what both say, as it is behind any TLS, unpacked. */
export class Tap implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<WebSocket>();
  readonly texts: string[] = [];
  /** Batches that the agent sent, and what was in them. */
  batches = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target the real gateway, as `ws://host:port` */
  static async start(target: string): Promise<Tap> {
    const server = createServer((_request, response) => response.writeHead(404).end());
    const tap = new Tap(server);
    const door = new WebSocketServer({
      noServer: true,
      handleProtocols: () => SUBPROTOCOL,
      perMessageDeflate: false,
      maxPayload: LIMITS.dataBytes,
    });
    server.on('upgrade', (request, socket, head) => {
      tap.texts.push(`${request.url} ${JSON.stringify(request.headers)}`);
      door.handleUpgrade(request, socket, head, (agent) => tap.#join(agent, target, request.headers.host ?? ''));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return tap;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #join(agent: WebSocket, target: string, host: string): void {
    const gateway = new WebSocket(target.replace(/\/$/, '') + AGENT_PATH, [SUBPROTOCOL], {
      headers: { host },
      perMessageDeflate: false,
    });
    const early: (readonly [WebSocket.RawData, boolean])[] = [];
    const pass = (to: WebSocket, data: WebSocket.RawData, binary: boolean): void => {
      if (to.readyState === WebSocket.OPEN) to.send(data as Buffer, { binary });
      else early.push([data, binary]);
    };
    for (const [from, to] of [
      [agent, gateway],
      [gateway, agent],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('message', (data, binary) => {
        this.#keep(data as Buffer, binary);
        pass(to, data, binary);
      });
      from.on('close', (code) => {
        this.#sockets.delete(from);
        if (to.readyState === WebSocket.OPEN) to.close(code >= 4000 ? code : 1000);
        else to.terminate();
      });
    }
    gateway.on('open', () => {
      for (const [data, binary] of early.splice(0)) gateway.send(data as Buffer, { binary });
    });
  }

  #keep(data: Buffer, binary: boolean): void {
    if (!binary) {
      this.texts.push(data.toString());
      return;
    }
    this.batches += 1;
    this.texts.push(data.toString('latin1'), zstdDecompressSync(decodeFrame(data).payload).toString());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
