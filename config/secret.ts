import { inspect } from 'node:util';
import { knownSecrets } from './redaction/known-secrets.ts';

const shown = '[redacted]';

/** A value that must not be seen: it prints as `[redacted]` everywhere; only {@link Secret.reveal} gives it out. */
export class Secret {
  readonly #value: string;

  /**
   * @param isUser it names who logs in, and is no proof of it: it prints as `[redacted]`, too, but where a server or a page
   *   names the user on purpose that is not taken away
   */
  constructor(value: string, { isUser = false }: { readonly isUser?: boolean } = {}) {
    this.#value = value;
    // What redacts has to know it, whichever room it is used in.
    if (!isUser) knownSecrets.add(value);
  }

  /** The value itself, for the one place that sends it. Do not keep the result. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
