import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a session of it is called, in its cookie. */
export const HOSTILE_COOKIE = 'canary-cookie-8f2b6c1d9e';

/** A server that answers everything with an error, and repeats in it, in several ways, whatever secret it was shown. */
export class HostileSite implements AsyncDisposable {
  readonly #server: Server;
  asked = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<HostileSite> {
    const server = createServer((request, response) => {
      site.asked += 1;
      request.resume();
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`);
      const shown = [...headers, `cookie: ${HOSTILE_COOKIE}`].join('\n');
      const encoded = headers.map((line) => `${encodeURIComponent(line)} ${Buffer.from(line).toString('base64')}`);
      const status = [500, 403, 401, 502][site.asked % 4] ?? 500;
      response
        .writeHead(status, {
          'content-type': 'text/plain',
          'set-cookie': `X-Qlik-Session=${HOSTILE_COOKIE}; Path=/`,
          'x-detail': encodeURIComponent(shown).slice(0, 2_000),
        })
        .end(`Internal error. You sent:\n${shown}\n${JSON.stringify(request.headers)}\n${encoded.join('\n')}\n`);
    });
    const site = new HostileSite(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
