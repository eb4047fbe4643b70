import { ERROR_KINDS, type ErrorCode } from '#protocol/errors.ts';
import type { MissingReference, Outside, OutsideReader } from '../hocon/outside.ts';
import type { Secret } from '../secret.ts';
import type { SecretLookup, SecretNotice } from '../secrets/manager.ts';
import { namesOf } from '../secrets/names.ts';
import type { Place, ScalarTree } from '../tree.ts';
import { nearestName } from './nearest.ts';
import type { Problems } from './problem.ts';

/** What the parser may ask for a secret; nothing here waits. */
export interface KnownSecrets {
  /** For messages. */
  readonly name: string;
  readonly standardKey: string | undefined;
  /** Files to watch, when a secret comes from them. */
  readonly files: readonly string[];
  lookup(key: string): SecretLookup;
}

interface Complaint {
  readonly code: ErrorCode;
  readonly at: Place | undefined;
  readonly message: string;
  readonly advice?: string;
}

const ROOT = 'secret_manager';
const ON = new Set(['true', 'yes', 'on']);

/** `${secret_manager.…}` of one file: finds the secret that the file means, and says what could not be found. */
export class SecretReferences {
  readonly #secrets: KnownSecrets | undefined;
  readonly #missing: MissingReference[] = [];
  #complaint: Complaint | undefined;
  #notices: readonly SecretNotice[] = [];
  #at: Place | undefined;
  /** What to say of a reference that leads nowhere. */
  #because: ((name: string) => Complaint) | undefined;

  constructor(secrets: KnownSecrets | undefined) {
    this.#secrets = secrets;
  }

  /** Decides what `${secret_manager.…}` leads to. */
  readonly open: OutsideReader = (part): Outside => {
    const scalar = (key: string): ScalarTree | undefined => {
      const node = part([ROOT, key]);
      return node?.type === 'scalar' && node.value !== null && node.text.trim() !== '' ? node : undefined;
    };
    const enabled = scalar('enabled');
    const on = ON.has(enabled?.text.trim().toLowerCase() ?? '');
    if (!on)
      this.#because = (name) => ({
        code: 'secrets.missing',
        at: undefined,
        message: `\${${ROOT}.${name}} has no value: ${ROOT}.enabled is not true in this file.`,
        advice: `Add ${ROOT} { enabled = true, key = "name of the secret" }.`,
      });
    const fields = on ? this.#fields(enabled?.at, scalar('key')) : new Map<string, Secret>();
    return { root: ROOT, fields, onMissing: (reference) => void this.#missing.push(reference) };
  };

  #fields(at: Place | undefined, key: ScalarTree | undefined): ReadonlyMap<string, Secret> | undefined {
    const complain = (complaint: Complaint): undefined => {
      this.#complaint = complaint;
      return undefined;
    };
    if (this.#secrets === undefined)
      return complain({
        code: 'secrets.not_configured',
        at,
        message: `${ROOT}.enabled is true, but no secret manager is described in agent.conf.`,
      });
    const { name, standardKey } = this.#secrets;
    const wanted = key?.text.trim() ?? standardKey;
    this.#at = key?.at ?? at;
    if (wanted === undefined)
      return complain({
        code: 'config.missing_key',
        at,
        message: `${ROOT}.key is missing: the name of the secret in ${name}.`,
        advice: `Add ${ROOT}.key = "…" here, or as the standard in agent.conf.`,
      });
    const lookup = this.#secrets.lookup(wanted);
    switch (lookup.type) {
      case 'secret':
        this.#notices = lookup.notices ?? [];
        this.#because = (field) => {
          const guess = nearestName(field, lookup.fields.keys());
          const names = lookup.fields.size === 0 ? 'none' : namesOf(lookup.fields.keys());
          const meant = guess === undefined ? '' : ` Did you mean ${namesOf([guess])}?`;
          return {
            code: 'secrets.missing',
            at: undefined,
            message: `The secret ${namesOf([wanted])} of ${name} has no field ${namesOf([field])}; it has ${names}.${meant}`,
          };
        };
        return lookup.fields;
      case 'missing':
        return complain({
          code: 'secrets.missing',
          at: this.#at,
          message: `There is no secret ${namesOf([wanted])} in ${name}: ${lookup.reason}.`,
        });
      case 'failed': {
        const { code, message, advice } = lookup.fault;
        const known = Object.hasOwn(ERROR_KINDS, code) ? (code as ErrorCode) : 'secrets.unreachable';
        return complain({ code: known, at: this.#at, message, advice });
      }
      default:
        return lookup satisfies never;
    }
  }

  /** Says what was not found, and what is odd about what was. */
  report(problems: Problems): void {
    if (this.#complaint !== undefined) {
      const { code, at, message, advice } = this.#complaint;
      problems.error(code, at, message, advice);
    }
    for (const { message, advice } of this.#notices)
      problems.warn('config.suspicious_value', this.#at, message, advice);
    for (const { at, name } of this.#missing) {
      const complaint = this.#because?.(name);
      if (complaint !== undefined) problems.error(complaint.code, at, complaint.message, complaint.advice);
    }
  }
}
