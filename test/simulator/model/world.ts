import type { App, DataConnection, User } from './types.ts';

/** What a script may name: folders for files, databases for SQL, web addresses. */
export type ConnectionRole = 'qvd' | 'files' | 'sql' | 'rest' | 'web';

/** What the inside of an app may know of the site around it. */
export interface World {
  readonly seed: number;
  readonly users: readonly User[];
  readonly apps: readonly App[];
  /** By what scripts use them for. */
  readonly connections: ReadonlyMap<ConnectionRole, readonly DataConnection[]>;
}
