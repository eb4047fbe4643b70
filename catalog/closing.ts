import type { Server, Socket } from 'node:net';
import type { Log } from './api/context.ts';

/** Something that is closed when the program ends. */
export interface ClosingStep {
  /** In a few words, for the log. */
  readonly what: string;
  /** How long it is waited for; the next step is taken then all the same. */
  readonly withinMs: number;
  readonly close: () => unknown;
}

/**
 * Closes one after another. Peers that do not answer cost their deadline and no more, and a step that fails keeps none of
 * the others from being taken: both are logged as warnings.
 */
export const closeInTurn = async (steps: readonly ClosingStep[], log: Log): Promise<void> => {
  for (const { what, withinMs, close } of steps) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, withinMs, 'late');
    });
    try {
      // What it says after its deadline is of no use to anybody.
      const closed = (async () => await close())();
      closed.catch(() => undefined);
      if ((await Promise.race([closed, late])) === 'late') log.warn({ what, withinMs }, 'not closed in time');
    } catch (error) {
      log.warn({ err: error, what }, 'not closed in order');
    } finally {
      clearTimeout(timer);
    }
  }
};

/**
 * Keeps the sockets of a server, whatever became of them: those that were upgraded and those that are still in their TLS
 * handshake are known to nobody else, and each of them keeps the server from being closed.
 *
 * @returns destroys all that there are
 */
export const socketsOf = (server: Server): (() => void) => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
};
