import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Issued } from '#test/unit/network/authority.ts';

/** TLS in front of a server that speaks plain HTTP; headers, `host` among them, arrive there as they were sent. */
export const tlsBefore = async (
  origin: string,
  { certificate, key }: Issued,
): Promise<AsyncDisposable & { readonly port: number }> => {
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const upstream = connect(Number(new URL(origin).port), '127.0.0.1');
    const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    upstream.write(`${request.method} ${request.url} HTTP/1.0\r\n${head.join('')}\r\n`);
    request.pipe(upstream, { end: false });
    const chunks: Buffer[] = [];
    upstream.on('data', (chunk: Buffer) => chunks.push(chunk));
    upstream.on('close', () => response.end(Buffer.concat(chunks).toString().split('\r\n\r\n').slice(1).join('')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
