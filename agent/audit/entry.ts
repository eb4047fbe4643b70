import { createHash } from 'node:crypto';

/** What the catalog, or who sits between, causes by a message. */
export type AskedEvent = (
  | { readonly event: 'keyRotated'; readonly key: string }
  /** The name of the catalog's next signing key, which the one before signed. */
  | { readonly event: 'catalogKeyChanged'; readonly key: string }
  /** The catalog lets this agent open no session: it is disabled, revoked, quarantined; told once until one is open again. */
  | { readonly event: 'sessionRefused'; readonly code: number; readonly reason: string }
  | { readonly event: 'logLevel'; readonly level: string; readonly forMs: number }
  | {
      readonly event: 'jobRefused';
      readonly job: string;
      readonly attempt: number;
      readonly connection: string | null;
      readonly code: string;
      readonly reason: string;
    }
) & {
  /** So many of them before this one are not listed, as they were too many. */
  readonly unlisted?: number;
};

/** What is told of. Texts are for people and hold no secrets; times are ISO 8601 in UTC. */
export type AuditEvent =
  /** A batch that the catalog has made durable; or, not `acknowledged`, one that may have left before its job was lost. */
  | {
      readonly event: 'batch';
      readonly acknowledged: boolean;
      readonly connection: string | null;
      readonly kind: string | null;
      readonly job: string;
      readonly attempt: number;
      readonly seq: number;
      readonly scopes: readonly string[];
      /** Scopes that are not listed, as there are too many. */
      readonly moreScopes?: number | undefined;
      readonly records: number;
      /** Records by kind; absent for what an earlier release spooled. */
      readonly kinds?: Readonly<Record<string, number>> | undefined;
      /** As sent, compressed. */
      readonly bytes: number;
      /** SHA-256 (hex) of those bytes. */
      readonly sha256?: string | undefined;
    }
  | { readonly event: 'enrolled'; readonly agent: string; readonly organisation: string; readonly gateway: string }
  /** The policy file of this machine, when it is another than before, or says something else. */
  | {
      readonly event: 'policy';
      readonly file: string | null;
      /** `none`, `in_force`, or `broken`: it cannot be used. */
      readonly state: string;
      readonly denies: readonly string[];
    }
  | { readonly event: 'identityReset'; readonly agent: string | null }
  | AskedEvent
  | { readonly event: 'supportBundle'; readonly file: string; readonly bytes: number }
  /** Lines that were there are not there any more. */
  | { readonly event: 'missing'; readonly from: number; readonly to: number };

export type PolicyEntry = Extract<AuditEvent, { event: 'policy' }>;

/** An entry as it stands in the log. `n` counts from 1, without gaps, over all files. */
export type AuditEntry = { readonly n: number; readonly at: string; readonly prev: string } & AuditEvent & {
    /** Of a note that another process left: it is taken in once. */
    readonly note?: string | undefined;
  };

/** What the first entry follows. */
export const CHAIN_START = '0'.repeat(64);
/** Enough for any entry; a longer line is none of ours. */
export const MAX_LINE_BYTES = 64 * 1024;

const SEALED = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

/** The line of an entry, which ends in a hash over all that stands before it, the hash of the line before included. */
export const sealEntry = (entry: AuditEntry): { readonly line: string; readonly hash: string } => {
  const json = JSON.stringify(entry);
  const hash = createHash('sha256').update(json).digest('hex');
  return { line: `${json.slice(0, -1)},"hash":"${hash}"}\n`, hash };
};

/** Reads a line, without its `\n`; undefined when it is none, or was changed. */
export const openEntry = (line: string): { readonly entry: AuditEntry; readonly hash: string } | undefined => {
  const [, body = '', hash = ''] = SEALED.exec(line) ?? [];
  if (body === '' || line.length > MAX_LINE_BYTES) return undefined;
  const json = `${body}}`;
  if (createHash('sha256').update(json).digest('hex') !== hash) return undefined;
  try {
    return { entry: JSON.parse(json) as AuditEntry, hash };
  } catch {
    return undefined;
  }
};
