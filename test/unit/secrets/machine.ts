import type { Surroundings } from '#agent/secrets/surroundings.ts';
import type { Secret } from '#config/secret.ts';
import type { SecretLookup, SecretRoute } from '#config/secrets/manager.ts';
import type { ErrorInfo } from '#protocol/errors.ts';

/** No proxy, the default roots. */
export const DIRECT: SecretRoute = {
  tls: { extraAuthorities: [], replaceDefaultRoots: false, systemAuthorities: false },
  proxy: undefined,
};

/** A machine of a test: its clock stands still until it is set, its environment and its files are empty. */
export class Machine implements Surroundings {
  /** 2026-01-01. */
  time = 1_767_225_600_000;
  readonly env: Record<string, string | undefined> = {};
  readonly files = new Map<string, string>();
  readonly homeFolder = '/home/canary';
  now = (): number => this.time;
  random = (): number => 0.5;
  read: Surroundings['read'] = (path) => {
    const text = this.files.get(path);
    return text === undefined
      ? { type: 'missing', reason: 'it does not exist' }
      : { type: 'file', bytes: Buffer.from(text), realPath: path };
  };
}

const revealed = (fields: ReadonlyMap<string, Secret>): Record<string, string> =>
  Object.fromEntries([...fields].map(([name, secret]) => [name, secret.reveal()]));

/** The fields of a secret; throws when there are none. */
export const fieldsIn = (lookup: SecretLookup): Record<string, string> => {
  if (lookup.type === 'secret') return revealed(lookup.fields);
  throw new Error(lookup.type === 'missing' ? lookup.reason : `${lookup.fault.code}: ${lookup.fault.message}`);
};

/** The fault of a lookup that failed; throws when it did not. */
export const faultIn = (lookup: SecretLookup): ErrorInfo => {
  if (lookup.type === 'failed') return lookup.fault;
  throw new Error(lookup.type === 'missing' ? lookup.reason : `fields ${[...lookup.fields.keys()].join(', ')}`);
};

/** Why a secret is missing; throws when it is not. */
export const reasonIn = (lookup: SecretLookup): string => {
  if (lookup.type === 'missing') return lookup.reason;
  throw new Error(lookup.type === 'failed' ? `${lookup.fault.code}: ${lookup.fault.message}` : 'it is there');
};
