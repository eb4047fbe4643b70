import { type Dialer, UpgradeRefused, webSocketFailure } from '#agent/network/dialer.ts';
import { ProxyLoginRefused } from '#agent/network/proxy-logins.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import { LIMITS, SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import type { Fault } from '#protocol/errors.ts';
import type { Transport } from './transport.ts';
import { unreachable } from './unreachable.ts';
import { upgradeEvidence, upgradeFault } from './upgrade-faults.ts';

const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;

const retryAfterMs = (error: unknown): number | undefined => {
  // Earlier it would only be told the same again; with another password the link dials anew.
  if (error instanceof ProxyLoginRefused) return error.againInMs;
  if (!(error instanceof UpgradeRefused)) return undefined;
  const seconds = Number(error.headers['retry-after']);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1000) : undefined;
};

/** The doctor's words: whoever reads the log is told the same. */
const failure = (error: Error, { host, protocol }: URL): Fault =>
  error instanceof UpgradeRefused
    ? upgradeFault(error, { host, origin: `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}` })
    : unreachable(error);

/** The WebSocket to the gateway, through the one Dialer. */
export const webSocketTransport = (
  dialer: Dialer,
  address: string,
  tls: TlsOptions | undefined,
  proxy: ProxyChoice | undefined,
): Transport => ({
  connect(listener) {
    const socket = dialer.webSocket(address, {
      protocols: [SUBPROTOCOL],
      tls,
      proxy,
      handshakeTimeoutMs: TIMES.connectMs,
      maxPayloadBytes: LIMITS.dataBytes,
    });
    let open = false;
    let ended = false;
    let terminator: NodeJS.Timeout | undefined;
    const waiting = new Set<() => void>();
    const wake = (): void => {
      for (const resolve of waiting) resolve();
      waiting.clear();
    };
    const written = (): void => {
      if (ended || socket.bufferedAmount <= LOW_WATER_BYTES) wake();
    };
    socket.on('upgrade', (response) => {
      // Not earlier than `open`: a listener that is there before the one of ws would be given what came with the
      // upgrade, and ws would not.
      socket.once('open', () => response.socket.on('data', () => listener.activity()));
    });
    socket.on('open', () => {
      open = true;
      listener.opened();
    });
    socket.on('message', (data, isBinary) => {
      if (ended) return;
      if (isBinary) listener.binary();
      else listener.text(String(data));
    });
    // What ws emits says less than what the Dialer noted; `close` always follows and is told once.
    let reason: unknown;
    socket.on('error', (error) => {
      reason ??= error;
    });
    socket.on('close', (code) => {
      ended = true;
      clearTimeout(terminator);
      wake();
      if (open) listener.closed(code);
      else {
        const error = webSocketFailure(socket, reason ?? new Error('the socket was closed before it opened'));
        listener.failed(failure(error, new URL(address)), retryAfterMs(error), upgradeEvidence(error));
      }
    });
    return {
      get unsentBytes() {
        return ended ? 0 : socket.bufferedAmount;
      },
      sendText: (text) => {
        if (!ended) socket.send(text, written);
      },
      sendBinary: (bytes) => {
        if (!ended) socket.send(bytes, written);
      },
      writable: () =>
        ended || socket.bufferedAmount <= HIGH_WATER_BYTES
          ? Promise.resolve()
          : new Promise((resolve) => waiting.add(resolve)),
      close: (code, text) => {
        if (ended) return;
        socket.close(code, text);
        terminator ??= setTimeout(() => socket.terminate(), TIMES.closeMs);
      },
    };
  },
});
