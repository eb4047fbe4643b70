import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Gateway, type GatewayOptions } from '#catalog/gateway/gateway.ts';
import { ENROL_PATH } from '#protocol/constants.ts';
import { EnrolRequest } from '#protocol/messages.ts';
import type { AgentStatus } from '#protocol/status.ts';

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const someStatus = (changes: Partial<AgentStatus> = {}): AgentStatus => ({
  version: '0.0.0',
  hostname: 'test',
  platform: 'test',
  startedAt: '2026-01-01T00:00:00.000Z',
  connectionsFolder: '/connections',
  connections: [],
  ...changes,
});

/** A gateway on a port of this machine, whose connections can be cut. */
export class Loopback implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: Server, gateway: Gateway) {
    this.#server = server;
    this.gateway = gateway;
  }

  static async start(options: Pick<GatewayOptions, 'backend'> & Partial<GatewayOptions>): Promise<Loopback> {
    const gateway = new Gateway({ log: quiet, ...options });
    const server = createServer((request, response) => {
      if (gateway.handleRequest(request, response)) return;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        if (request.url !== ENROL_PATH) return response.writeHead(404).end();
        const body = EnrolRequest.parse(JSON.parse(Buffer.concat(chunks).toString()));
        const answer = await options.backend.enrol(body);
        const refused = 'refused' in answer;
        return response
          .writeHead(refused ? 403 : 200, { 'content-type': 'application/json' })
          .end(JSON.stringify(refused ? answer.refused : answer));
      });
    });
    const loopback = new Loopback(server, gateway);
    server.on('upgrade', (request, socket, head) => {
      loopback.#sockets.add(socket);
      socket.on('close', () => loopback.#sockets.delete(socket));
      gateway.handleUpgrade(request, socket, head);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return loopback;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection, as a broken network does. */
  cut(): number {
    const { size } = this.#sockets;
    for (const socket of this.#sockets) socket.destroy();
    return size;
  }

  /** Loses every session at once, as a process that is killed does; the agents know of nothing. */
  forget(): void {
    this.gateway.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.forget();
    await this.gateway.close(0);
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** Resolves when `check` holds; asks again whenever the event loop turns. The test's own time limit bounds it. */
export const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 2));
};
