import { inspect } from 'node:util';
import { knownSecrets } from './redaction/known-secrets.ts';

const shown = '[redacted]';

/** A value that must not be seen: it prints as `[redacted]` everywhere; only {@link Secret.reveal} gives it out. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    // What redacts has to know it, whichever room it is used in.
    knownSecrets.add(value);
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
