import type { WebSocket } from '#agent/network/dialer.ts';

/** Of a stream that can be held back for a moment. */
interface Line {
  cork(): void;
  uncork(): void;
}

/**
 * What enigma.js needs of a WebSocket, in front of one of `ws`. It stands between them because enigma.js parses every
 * message without a net: one that is not JSON would end the process. And because it closes in bounded time.
 */
export class EnigmaSocket {
  /** The state in which a WebSocket may send, by RFC 6455's interface. */
  readonly OPEN = 1;
  onopen: ((event: unknown) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly #socket: WebSocket;
  /** What the messages go over, once it is open. */
  #line: Line | undefined;
  #isHeld = false;

  /** @param takes is told how large each message is, and says whether it is looked at */
  constructor(
    socket: WebSocket,
    { takes, onGarbage }: { takes: (bytes: number) => boolean; onGarbage: (error: unknown) => void },
  ) {
    this.#socket = socket;
    socket.on('upgrade', (response) => {
      this.#line = response.socket;
    });
    socket.on('open', () => this.onopen?.({}));
    socket.on('error', (error) => this.onerror?.(error));
    socket.on('close', (code, reason) => this.onclose?.({ code, reason: reason.toString('utf8') }));
    socket.on('message', (data) => {
      const bytes = Array.isArray(data) ? Buffer.concat(data) : data;
      if (!takes(bytes.byteLength)) return;
      try {
        this.onmessage?.({ data: String(bytes) });
      } catch (error) {
        onGarbage(error);
        socket.terminate();
      }
    });
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: string): void {
    this.#hold();
    // A send that fails shows as the close of the socket; the callback only keeps ws from emitting an error as well.
    this.#socket.send(data, () => undefined);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** What is sent in one go leaves together: an app is asked for many things at once, and each would be sealed and sent alone. */
  #hold(): void {
    const line = this.#line;
    if (line === undefined || this.#isHeld) return;
    this.#isHeld = true;
    line.cork();
    process.nextTick(() => {
      this.#isHeld = false;
      line.uncork();
    });
  }
}
