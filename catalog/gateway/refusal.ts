import type { Duplex } from 'node:stream';
import { GATEWAY_NAME, POLLING_HEADERS } from '#protocol/polling.ts';

/** Why a request is not taken. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

/** Headers of a refusal. It says that a gateway said it: the agent would else suspect what stands between. */
export const refusalHead = ({ retryAfterSeconds }: Refusal): Record<string, string> => ({
  [POLLING_HEADERS.gateway]: GATEWAY_NAME,
  'cache-control': 'no-store',
  'content-length': '0',
  ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
});

/** Refuses an upgrade and ends its socket. */
export const refuseUpgrade = (socket: Duplex, refusal: Refusal): void => {
  const headers = Object.entries({ ...refusalHead(refusal), connection: 'close' });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${refusal.status} ${refusal.text}\r\n${lines}\r\n`, () => socket.destroy());
};
