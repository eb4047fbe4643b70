import { createHash } from 'node:crypto';
import type { AskedEvent } from '#agent/audit/entry.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { AgentEffect, AgentEvent } from '#protocol/agent-events.ts';
import type { AgentSession } from '#protocol/agent-session.ts';
import { CLOSE } from '#protocol/constants.ts';
import { asFault } from '#protocol/errors.ts';
import { type Identity, nameOfKey } from './identity.ts';
import type { AskEffect } from './link.ts';
import type { LinkClock } from './link-clock.ts';
import type { BridgeLog } from './log.ts';

/** How old the agent's key becomes at most while it has a link; it is replaced from half of that on. */
const KEY_LIFE_MS = 90 * 24 * 3_600_000;
/** Spread over this part of the life, so that agents enrolled on one day do not renew on one day. */
const SPREAD = 0.1;
const LOOK_MS = 3_600_000;

export interface KeysOptions {
  readonly identity: Identity;
  readonly session: Pick<AgentSession, 'state' | 'catalogCan'>;
  readonly clock: LinkClock;
  /** Milliseconds since 1970 by this machine's clock; only the age of the key goes by it. */
  readonly wallMs: () => number;
  readonly dispatch: (event: AgentEvent) => void;
  /** For the audit log. */
  readonly tell: (event: AskedEvent) => void;
  readonly log: BridgeLog;
}

/** Keeps both ends' keys young: makes the agent's next one over a live session, and follows the catalog's successions. */
export class Keys {
  readonly #options: KeysOptions;
  #cancelLook: () => void = () => undefined;
  #wasOpen = false;
  #busy = false;

  constructor(options: KeysOptions) {
    this.#options = options;
  }

  /** To be told of each step of the session. */
  onStep(effects: readonly AgentEffect[]): void {
    const { identity, session, clock } = this.#options;
    for (const effect of effects)
      if (effect.type === 'ended' && effect.code === CLOSE.unknownAgent) identity.keyRefused();
    const isOpen = session.state.name === 'open';
    if (isOpen === this.#wasOpen) return;
    this.#wasOpen = isOpen;
    this.#cancelLook();
    if (!isOpen) return;
    if (identity.keyAccepted()) this.#options.tell({ event: 'keyRotated', key: identity.keyId });
    // Behind the effects of this very step.
    this.#cancelLook = clock.after(0, () => this.#look());
  }

  perform(effect: Exclude<AskEffect, { type: 'logLevel' }>): void {
    const { identity, log, tell } = this.#options;
    switch (effect.type) {
      case 'rotateKey':
        void this.#rotate(effect.nonce);
        break;
      case 'keyRotated':
        if (identity.keyRotated(effect.keyId)) {
          tell({ event: 'keyRotated', key: effect.keyId });
          log.info({ key: effect.keyId }, 'the catalog took the new key of this agent');
        } else log.warn({ key: effect.keyId }, 'the catalog names a key that this agent did not make');
        break;
      case 'catalogKey': {
        const pinned = identity.pin(effect.publicKey, effect.signature);
        if (pinned === 'pinned') {
          const key = nameOfKey(Buffer.from(effect.publicKey, 'base64'));
          tell({ event: 'catalogKeyChanged', key });
          log.info({ key }, 'the catalog signs with a new key from now on; the one before signed it');
        } else if (pinned === 'refused')
          log.error(
            { advice: 'If this comes again, ask who runs the catalog and what stands between.' },
            'a new signing key of the catalog was refused: the key pinned here did not sign it',
          );
        break;
      }
      default:
        effect satisfies never;
    }
  }

  stop(): void {
    this.#cancelLook();
  }

  /** Half of its life, and a part that hangs on the key alone: a restart does not draw it anew. */
  #isOld(): boolean {
    const { identity, wallMs } = this.#options;
    const { keyMadeAtMs } = identity;
    if (keyMadeAtMs === undefined) {
      identity.dateKey(new Date(wallMs()).toISOString());
      return false;
    }
    const drawn = createHash('sha256').update(identity.keyId).digest().readUInt32BE(0) / 2 ** 32;
    return wallMs() - keyMadeAtMs > KEY_LIFE_MS * (0.5 + SPREAD * drawn);
  }

  #look(): void {
    const { session, identity, clock } = this.#options;
    const { state } = session;
    if (state.name !== 'open') return;
    this.#cancelLook = clock.after(LOOK_MS, () => this.#look());
    // A next key that is there already: whether the catalog took it was not heard.
    if (session.catalogCan('keys') && (identity.hasNextKey || this.#isOld())) void this.#rotate(state.nonce);
  }

  async #rotate(nonce: string): Promise<void> {
    const { identity, dispatch, log, wallMs } = this.#options;
    if (this.#busy) return;
    this.#busy = true;
    try {
      const next = await identity.proveNextKey(nonce, new Date(wallMs()).toISOString());
      dispatch({ type: 'newKey', nonce, ...next });
    } catch (error) {
      const fault = asFault(error);
      log.error(faultFields(fault), `no new key was made: ${fault.message}`);
    } finally {
      this.#busy = false;
    }
  }
}
