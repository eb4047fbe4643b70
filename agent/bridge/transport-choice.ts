import type { TransportMode } from '#config/settings.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';
import type { Fault } from '#protocol/errors.ts';
import type { LinkReport } from '#protocol/status.ts';
import type { LinkClock } from './link-clock.ts';
import type { BridgeLog } from './log.ts';
import type { Transport, TransportConnection, TransportListener, UpgradeEvidence } from './transport.ts';

export interface TransportChoiceOptions {
  readonly mode: TransportMode;
  readonly webSocket: Transport;
  readonly polling: Transport;
  readonly clock: LinkClock;
  readonly log: BridgeLog;
  /** Which transport is in use, or why, is another than before. */
  readonly onChange: () => void;
  /** A WebSocket came through while polling was in use: the link should be dialled anew. */
  readonly onBetter: () => void;
}

/** While polling is in use, a WebSocket is tried again this often, ± 10 %, beside the session. */
const AGAIN_MS = 3_600_000;
/** How often in a row a WebSocket must have come to nothing in a way that many causes have. */
const SUSPICIONS = 2;

const ASKED: Readonly<Record<TransportMode, string>> = {
  auto: 'WebSockets pass',
  websocket: 'gateway.transport asks for it',
  polling: 'gateway.transport asks for it',
};

/**
 * WebSocket first; long polling when there is evidence that WebSockets do not come through and the gateway itself answers
 * a plain request. A gateway that is away or refuses, DNS and TLS say nothing of WebSockets: then it is tried again as before.
 */
export class TransportChoice implements Transport {
  readonly #options: TransportChoiceOptions;
  #suspicions = 0;
  #seen = '';
  /** Until then polling is used without asking again. */
  #pollUntilMs = Number.NEGATIVE_INFINITY;
  #inUse: LinkReport | undefined;
  #cancelProbe: () => void = () => undefined;
  #closed = false;

  constructor(options: TransportChoiceOptions) {
    this.#options = options;
  }

  /** What the link goes over, and why; undefined before the first connection. */
  get inUse(): LinkReport | undefined {
    return this.#inUse;
  }

  connect(listener: TransportListener): TransportConnection {
    const { mode, webSocket, polling, clock } = this.#options;
    this.#cancelProbe();
    if (mode === 'websocket') return webSocket.connect(this.#telling(listener, 'websocket', ASKED.websocket));
    if (mode === 'polling') return polling.connect(this.#telling(listener, 'polling', ASKED.polling));
    return clock.nowMs() < this.#pollUntilMs || this.#convinced
      ? this.#byPolling(listener)
      : this.#byWebSocket(listener);
  }

  /** Tries nothing more. */
  close(): void {
    this.#closed = true;
    this.#cancelProbe();
  }

  get #convinced(): boolean {
    return this.#suspicions >= SUSPICIONS;
  }

  #byWebSocket(listener: TransportListener): TransportConnection {
    let texts = 0;
    let ownCode: number | undefined;
    let given: TransportConnection;
    given = this.#options.webSocket.connect({
      ...this.#telling(listener, 'websocket', ASKED.auto),
      text: (text) => {
        texts += 1;
        // The second comes when something of ours has arrived: both directions work.
        if (texts === 2) this.#suspicions = 0;
        listener.text(text);
      },
      closed: (code) => {
        // A code of the gateway came through, or we wanted to go: that says nothing against WebSockets.
        const cut = ownCode === undefined ? code < 4000 : ownCode === CLOSE.authTimeout;
        if (cut && texts < 2)
          this.#suspect({
            certain: false,
            seen: texts === 0 ? 'the upgrade passed, and then nothing came' : 'nothing passes behind the upgrade',
          });
        listener.closed(code);
      },
      failed: (fault, retryAfterMs, evidence) => {
        if (evidence === undefined) this.#suspicions = 0;
        else this.#suspect(evidence);
        if (!this.#convinced || this.#closed) listener.failed(fault, retryAfterMs);
        else given = this.#byPolling(listener, fault);
      },
    });
    return {
      get unsentBytes() {
        return given.unsentBytes;
      },
      sendText: (text) => given.sendText(text),
      sendBinary: (bytes) => given.sendBinary(bytes),
      writable: () => given.writable(),
      close: (code, reason) => {
        ownCode ??= code;
        given.close(code, reason);
      },
    };
  }

  /** @param instead what became of the WebSocket that was tried just before */
  #byPolling(listener: TransportListener, instead?: Fault): TransportConnection {
    const why = `WebSockets do not pass: ${this.#seen}`;
    return this.#options.polling.connect({
      ...this.#telling(listener, 'polling', why),
      opened: () => {
        this.#pollUntilMs = this.#options.clock.nowMs() + AGAIN_MS;
        this.#probeLater();
        this.#use('polling', why);
        listener.opened();
      },
      failed: (fault, retryAfterMs) => {
        // What was seen may have been the gateway that went away: the WebSocket is tried first again.
        this.#pollUntilMs = Number.NEGATIVE_INFINITY;
        this.#suspicions = Math.min(this.#suspicions, SUSPICIONS - 1);
        listener.failed(instead ?? fault, retryAfterMs);
      },
    });
  }

  #suspect({ certain, seen }: UpgradeEvidence): void {
    this.#suspicions = certain ? SUSPICIONS : this.#suspicions + 1;
    this.#seen = seen;
  }

  #telling(listener: TransportListener, transport: LinkReport['transport'], why: string): TransportListener {
    return {
      opened: () => {
        this.#use(transport, why);
        listener.opened();
      },
      text: (text) => listener.text(text),
      binary: () => listener.binary(),
      activity: () => listener.activity(),
      closed: (code) => {
        this.#cancelProbe();
        listener.closed(code);
      },
      failed: (fault, retryAfterMs) => listener.failed(fault, retryAfterMs),
    };
  }

  #use(transport: LinkReport['transport'], why: string): void {
    const before = this.#inUse;
    if (before?.transport === transport && before.why === why) return;
    this.#inUse = { transport, why };
    const { log, onChange } = this.#options;
    if (transport === 'polling' && this.#options.mode === 'auto')
      log.warn(
        { transport, why, advice: 'Let WebSockets to the host of gateway.url pass: they are faster and cost less.' },
        'the link to the catalog uses HTTPS long polling',
      );
    else log.info({ transport, why }, `the link to the catalog uses ${transport}`);
    onChange();
  }

  #probeLater(): void {
    const { clock } = this.#options;
    this.#cancelProbe();
    this.#cancelProbe = clock.after(AGAIN_MS * (0.9 + 0.2 * clock.random()), () => this.#probe());
  }

  /** Tries a WebSocket as far as the gateway's first message, beside the session that goes on. */
  #probe(): void {
    const { webSocket, clock, onBetter } = this.#options;
    let over = false;
    let connection: TransportConnection | undefined;
    const end = (passes: boolean): void => {
      if (over) return;
      over = true;
      cancel();
      connection?.close(1000, 'only a trial');
      if (this.#closed) return;
      if (passes) {
        this.#pollUntilMs = Number.NEGATIVE_INFINITY;
        this.#suspicions = SUSPICIONS - 1;
        onBetter();
      } else {
        this.#pollUntilMs = clock.nowMs() + AGAIN_MS;
        this.#probeLater();
      }
    };
    const nothing = (): void => undefined;
    const cancel = clock.after(TIMES.connectMs + TIMES.helloMs, () => end(false));
    this.#cancelProbe = () => {
      if (over) return;
      over = true;
      cancel();
      connection?.close(1000, 'only a trial');
    };
    connection = webSocket.connect({
      opened: nothing,
      text: () => end(true),
      binary: nothing,
      activity: nothing,
      closed: () => end(false),
      failed: () => end(false),
    });
  }
}
