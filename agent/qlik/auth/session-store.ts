import { createHash } from 'node:crypto';
import type { Authentication, Connection } from '#config/connection/connection.ts';

/** What is kept of a session with a proxy, from one start of the agent to the next. */
export interface KeptSession {
  /** Names and values; none when there is no session. Whoever has them is the user, as far as the site can tell. */
  readonly cookies: readonly (readonly [name: string, value: string])[];
  /** When the session was used last, ms since 1970. */
  readonly usedAtMs: number;
  /**
   * The password was refused: as long as the file is that version (`contentHash`), it is not sent again before then (ms
   * since 1970). `message` is what was seen.
   */
  readonly refused: { readonly message: string; readonly untilMs: number; readonly contentHash: string } | undefined;
}

/**
 * Keeps sessions where an end of the process does not lose them, so that a service which starts again and again neither
 * takes all sessions of its user nor sends a refused password again and again. A failure to keep costs a session and is
 * no reason to stop: nothing here throws.
 */
export interface SessionStore {
  /** What was kept for just this connection (see {@link sessionBinding}); undefined for nothing, or nothing usable. */
  read(connection: Connection): Promise<KeptSession | undefined>;
  /** Replaces what was kept for just this connection; without cookies and refusal nothing is kept. */
  keep(connection: Connection, kept: KeptSession): Promise<void>;
}

const credentialsOf = (authentication: Authentication): readonly unknown[] => {
  switch (authentication.type) {
    case 'header':
      return [authentication.header, authentication.value.reveal()];
    case 'jwt':
      return [authentication.token.reveal()];
    case 'signed-jwt':
      return [authentication.key.reveal(), authentication.claims];
    case 'windows':
      return [authentication.domain, authentication.user, authentication.password.reveal(), authentication.method];
    case 'ticket':
    case 'certificate':
      return [
        authentication.certificate,
        authentication.key.reveal(),
        authentication.userDirectory,
        authentication.userId,
      ];
    default:
      return authentication satisfies never;
  }
};

/**
 * What a session belongs to: the connection's code, the host, the virtual proxy, and the credentials themselves. Another
 * binding means another session, of which a user has five; so nothing else of the file counts, such as its description.
 * SHA-256 (hex) over secrets: keep it as secret as they are.
 */
export const sessionBinding = (connection: Connection): string => {
  const { code, origin, aliasHost, prefix, authentication } = connection;
  const bound = [code, origin, aliasHost, prefix, authentication.type, credentialsOf(authentication)];
  return createHash('sha256').update(JSON.stringify(bound)).digest('hex');
};
