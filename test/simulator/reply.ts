/** HTTP answers of the site, and how they are sent. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Recorder } from './record.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Pieces are sent as they are made. */
  readonly body?: string | Buffer | Iterable<string>;
}

export const jsonReply = (status: number, value: unknown): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json;charset=utf-8' },
  body: JSON.stringify(value),
});

export const htmlReply = (status: number, title: string, text: string): Reply => ({
  status,
  headers: { 'Content-Type': 'text/html; charset=utf-8' },
  body: `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>\n`,
});

export const emptyReply = (status: number, headers: Reply['headers'] = {}): Reply => ({ status, headers });

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The request's body. @throws RangeError above 4 MiB */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk as Uint8Array);
    size += piece.length;
    if (size > MAX_BODY_BYTES) throw new RangeError('the body is larger than 4 MiB');
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

const isPieces = (body: NonNullable<Reply['body']>): body is Iterable<string> =>
  typeof body !== 'string' && !Buffer.isBuffer(body);

/** Writes the pieces as the client takes them; returns how many bytes it took, also when it went away. */
async function sendPieces(response: ServerResponse, pieces: Iterable<string>): Promise<number> {
  let bytes = 0;
  const counted = function* (): Generator<string> {
    for (const piece of pieces) {
      bytes += Buffer.byteLength(piece);
      yield piece;
    }
  };
  try {
    await pipeline(Readable.from(counted()), response);
  } catch {
    response.destroy();
  }
  return bytes;
}

/** Says another time than this machine's, where the site's clock is set wrong. */
export function setDate(response: ServerResponse, skewMs: number): void {
  if (skewMs !== 0) response.setHeader('Date', new Date(Date.now() + skewMs).toUTCString());
}

/** Sends and records. `path` is without the prefix of a virtual proxy, so that both routes count together. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  record: Recorder,
  path: string,
  bytesIn: number,
): Promise<void> {
  const method = request.method ?? 'GET';
  const body = reply.body ?? '';
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers ?? {}))
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  if (isPieces(body)) {
    record.http(method, path, reply.status, bytesIn, await sendPieces(response, body));
    return;
  }
  record.http(method, path, reply.status, bytesIn, Buffer.byteLength(body));
  if (response.destroyed) return;
  if (reply.status !== 204 && reply.status !== 304) response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(method === 'HEAD' ? undefined : body);
}
