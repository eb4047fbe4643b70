/** The agent's own key, 32 random bytes, or why there is none to use. `reason` is in words. */
export type StoredKey =
  | { readonly type: 'key'; readonly key: Uint8Array }
  | { readonly type: 'missing'; readonly reason: string }
  | { readonly type: 'unusable'; readonly reason: string };

/**
 * Keeps the agent's own key: in a file of the state folder, or with the protection of the operating system. What it
 * gives is never printed and never leaves this machine.
 */
export interface KeyStore {
  /** For messages: where the key is. */
  readonly name: string;
  /** Files to watch: the key may come later than what needs it. */
  readonly files: readonly string[];
  /** Never throws. */
  read(): StoredKey;
  /** The key; made on first use, and then the same for all who ask at the same time. Never throws. */
  obtain(): StoredKey;
}
