import type { Socket } from 'node:net';

const BANNER_MS = 3_000;
const MAX_BYTES = 2_048;

/** What a port says when it is spoken to without TLS. */
export interface Banner {
  /** `HTTP`, `SSH`, … ; undefined when it is nothing known. */
  readonly speaks: string | undefined;
  /** The `Date` header of an HTTP answer. */
  readonly date: string | undefined;
}

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^HTTP\/1/, 'HTTP'],
  [/^SSH-/, 'SSH'],
  [/^220[ -]/, 'SMTP or FTP'],
  [/^\+OK/, 'POP3'],
  [/^\* OK/, 'IMAP'],
  [/^-ERR|^-NOAUTH/, 'Redis'],
];

/**
 * Asks `HEAD /` without TLS, cookies or anything else, and reads the beginning of the answer. Web servers tell their time
 * even to somebody who forgot TLS.
 * @throws the signal's reason
 */
export const readBanner = (socket: Socket, signal: AbortSignal | undefined): Promise<Banner> =>
  new Promise((resolve, reject) => {
    let text = '';
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve({
        speaks: KNOWN.find(([pattern]) => pattern.test(text))?.[1],
        date: text.startsWith('HTTP/') ? /^date: *([ -~]{1,60})\r?$/im.exec(text)?.[1] : undefined,
      });
    };
    const onAbort = (): void => {
      finish();
      reject(signal?.reason);
    };
    const timer = setTimeout(finish, BANNER_MS);
    if (signal?.aborted === true) {
      clearTimeout(timer);
      socket.destroy();
      reject(signal.reason);
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', finish);
    socket.once('close', finish);
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.length >= MAX_BYTES || text.includes('\r\n\r\n')) finish();
    });
    socket.write('HEAD / HTTP/1.0\r\n\r\n');
  });
