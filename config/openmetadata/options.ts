import type { Problems } from '../connection/problem.ts';
import type { Environment } from '../proxy-environment.ts';
import { descend, type Origin, type Place, type Tree } from '../tree.ts';
import { expandVariables } from './environment.ts';
import { CONNECTION_AT } from './keys.ts';

/** The value of one option. */
export interface Option {
  readonly text: string;
  /** As it stands in the file, variables not filled in. */
  readonly written: string;
  readonly at: Place;
  /** Where it came from, when not from the file. */
  readonly origin?: Origin;
}

/** Reads options of one ingestion file with variables filled in; what cannot be used is reported. */
export class Options {
  readonly #tree: Tree;
  readonly #env: Environment;
  readonly #problems: Problems;
  /** True when a value was there and could not be used: then its absence needs no further word. */
  failed = false;

  constructor(tree: Tree, env: Environment, problems: Problems) {
    this.#tree = tree;
    this.#env = env;
    this.#problems = problems;
  }

  #node(path: string): Tree | undefined {
    return descend(this.#tree, path.split('.'));
  }

  /** Where an option of the connection stands. */
  at(path: string): Place | undefined {
    return this.#node(`${CONNECTION_AT}.${path}`)?.at;
  }

  /** An option of the connection; empty and null count as absent. */
  text(path: string): Option | undefined {
    return this.textAt(`${CONNECTION_AT}.${path}`);
  }

  /** The same with the whole path. */
  textAt(whole: string): Option | undefined {
    const node = this.#node(whole);
    const name = whole.slice(whole.lastIndexOf('.') + 1);
    if (node === undefined) return undefined;
    if (node.type !== 'scalar') {
      this.#fail(node.at, `${name} must be a text, not ${node.type === 'list' ? 'a list' : 'an object'}.`);
      return undefined;
    }
    const written = node.text;
    if (node.value === null || written.trim() === '') return undefined;
    // What a secret manager gave is a value, whatever it looks like.
    if (node.origin !== undefined) return { text: written, written, at: node.at, origin: node.origin };
    if (/^\s*secret:\//i.test(written)) {
      this.#fail(
        node.at,
        `${name} names a secret of OpenMetadata's hybrid runner (secret:/…), which only that runner can look up.`,
        `Write the value itself (for a certificate also the path of its file), $\{NAME} for a variable in the environment of the agent, or $\{secret_manager.name}.`,
      );
      return undefined;
    }
    const { text, unset } = expandVariables(written, this.#env);
    const [missing] = unset;
    if (missing !== undefined) {
      const shown = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(missing);
      this.#fail(
        node.at,
        shown
          ? `${name}: the environment variable ${missing} is not set.`
          : `${name}: what stands in \${…} is no name of an environment variable.`,
        'Set it for the agent and start it again, or write the value itself.',
      );
      return undefined;
    }
    return text.trim() === '' ? undefined : { text, written, at: node.at };
  }

  /** `true` or `false`; undefined when absent or wrong, which is reported. */
  flag(path: string): { readonly value: boolean; readonly at: Place } | undefined {
    return this.flagAt(`${CONNECTION_AT}.${path}`);
  }

  /** The same with the whole path. */
  flagAt(whole: string): { readonly value: boolean; readonly at: Place } | undefined {
    const found = this.textAt(whole);
    if (found === undefined) return undefined;
    const word = found.text.trim().toLowerCase();
    if (['true', 'yes', 'on'].includes(word)) return { value: true, at: found.at };
    if (['false', 'no', 'off'].includes(word)) return { value: false, at: found.at };
    this.#fail(found.at, `${whole.slice(whole.lastIndexOf('.') + 1)} must be true or false.`);
    return undefined;
  }

  #fail(at: Place, message: string, advice?: string): void {
    this.failed = true;
    this.#problems.error('config.invalid', at, message, advice);
  }
}
