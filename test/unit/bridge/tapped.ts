import type { Transport } from '#agent/bridge/transport.ts';

/** What may be seen, or made another, on its way; a text that becomes undefined does not arrive. */
interface Tap {
  readonly toAgent?: (text: string) => string | undefined;
  readonly toGateway?: (text: string) => string | undefined;
  readonly frame?: (bytes: Uint8Array) => void;
}

/** A transport whose messages pass a tap. */
export const tapped = (transport: Transport, tap: Tap): Transport => ({
  connect: (listener) => {
    const connection = transport.connect({
      opened: () => listener.opened(),
      text: (text) => {
        const given = tap.toAgent ? tap.toAgent(text) : text;
        if (given !== undefined) listener.text(given);
      },
      binary: () => listener.binary(),
      activity: () => listener.activity(),
      closed: (code) => listener.closed(code),
      failed: (fault, retryAfterMs) => listener.failed(fault, retryAfterMs),
    });
    return {
      get unsentBytes() {
        return connection.unsentBytes;
      },
      sendText: (text) => {
        const given = tap.toGateway ? tap.toGateway(text) : text;
        if (given !== undefined) connection.sendText(given);
      },
      sendBinary: (bytes) => {
        tap.frame?.(bytes);
        connection.sendBinary(bytes);
      },
      writable: () => connection.writable(),
      close: (code, reason) => connection.close(code, reason),
    };
  },
});
