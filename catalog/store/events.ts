import type { ToAgent } from '#protocol/messages.ts';
import type { Queries, Sql } from './sql.ts';

/** What changed, by id; those who show it read it again. */
export type Change =
  | { readonly name: 'agent'; readonly id: string }
  | { readonly name: 'connection'; readonly code: string }
  | { readonly name: 'job'; readonly id: string; readonly connection: string }
  | { readonly name: 'assets'; readonly connection: string };

/** Asks the gateway that holds an agent's session to look: a job may be waiting, or one is to be cancelled. */
export interface Wake {
  readonly cancel?: { readonly jobId: string; readonly attempt: number };
  /** Says something to the agent. */
  readonly ask?: Extract<ToAgent, { type: 'key.renew' | 'catalog.key' | 'log.level' }>;
  /** Ends the session at once, if it is not newer than `epoch`. */
  readonly end?: {
    readonly epoch: number;
    readonly closeCode: number;
    readonly message: string;
    readonly advice: string;
  };
}

type Message = { readonly organisationId: string } & (
  | { readonly change: Change }
  | { readonly agentId: string; readonly wake: Wake }
);

const CHANNEL = 'culvert';

const notify = async (sql: Queries, message: Message): Promise<void> => {
  await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`;
};

/** Tells everyone who watches this organisation, when (and only if) the transaction commits. */
export const announce = (sql: Queries, organisationId: string, change: Change): Promise<void> =>
  notify(sql, { organisationId, change });

/** Wakes the session of an agent, when (and only if) the transaction commits. */
export const wakeAgent = (sql: Queries, organisationId: string, agentId: string, wake: Wake = {}): Promise<void> =>
  notify(sql, { organisationId, agentId, wake });

/** The listening end of {@link announce} and {@link wakeAgent}: one connection a process. */
export interface Bus {
  /** Calls back for every change in one organisation; returns the unsubscribe. */
  onChange(organisationId: string, listener: (change: Change) => void): () => void;
  /** Calls back when an agent is woken, and after every gap in listening, since a wake-up may have been missed then. */
  onWake(agentId: string, listener: (wake: Wake) => void): () => void;
  close(): Promise<void>;
}

const subscribe = <T>(all: Map<string, Set<T>>, key: string, listener: T): (() => void) => {
  const listeners = all.get(key) ?? new Set<T>();
  all.set(key, listeners.add(listener));
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && all.get(key) === listeners) all.delete(key);
  };
};

/** Starts to listen. The connection is made again by itself when it breaks. */
export const openBus = async (sql: Sql): Promise<Bus> => {
  const changes = new Map<string, Set<(change: Change) => void>>();
  const wakes = new Map<string, Set<(wake: Wake) => void>>();
  const { unlisten } = await sql.listen(
    CHANNEL,
    (text) => {
      const message = JSON.parse(text) as Message;
      if ('change' in message) for (const tell of changes.get(message.organisationId) ?? []) tell(message.change);
      else for (const tell of wakes.get(message.agentId) ?? []) tell(message.wake);
    },
    () => {
      for (const listeners of wakes.values()) for (const tell of listeners) tell({});
    },
  );
  return {
    onChange: (organisationId, listener) => subscribe(changes, organisationId, listener),
    onWake: (agentId, listener) => subscribe(wakes, agentId, listener),
    close: async () => {
      changes.clear();
      wakes.clear();
      await unlisten();
    },
  };
};
