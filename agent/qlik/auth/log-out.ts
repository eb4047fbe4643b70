import type { Dialer } from '#agent/network/dialer.ts';
import { asFault } from '#protocol/errors.ts';
import type { Log } from '../log.ts';
import { repositoryRoute, xrfKey } from './credentials.ts';
import type { ProxySessions, SessionState } from './proxy-sessions.ts';

/** An agent that stops does not wait longer than this for sites that do not answer. */
const LOG_OUT_MS = 5_000;

/**
 * Logs out of the sessions whose user is the agent's alone (`connection.auth.dedicated_user`): at a proxy that ends every
 * session that the user has there, so it is done for no other. All together take `withinMs` at most. Never throws.
 */
export const logOutOfSessions = async (
  sessions: ProxySessions,
  dialer: Dialer,
  log: Log,
  withinMs = LOG_OUT_MS,
): Promise<void> => {
  const signal = AbortSignal.timeout(withinMs);
  await Promise.all(sessions.all().map((state) => logOut(state, dialer, log, signal)));
};

const logOut = async (state: SessionState, dialer: Dialer, log: Log, signal: AbortSignal): Promise<void> => {
  const { connection, cookies, token } = state;
  if (!connection.dedicatedUser || cookies.empty) return;
  const key = xrfKey();
  const { prefix } = connection;
  try {
    const { status } = await dialer.request(repositoryRoute(connection), {
      method: 'DELETE',
      path: `${prefix === '' ? '' : `/${prefix}`}/qps/user?xrfkey=${key}`,
      headers: {
        'x-qlik-xrfkey': key,
        cookie: cookies.header(),
        ...(token === undefined ? {} : { 'qlik-csrf-token': token }),
      },
      signal,
    });
    log.debug({ connection: connection.code, status }, 'logged out');
  } catch (error) {
    const { code, message } = asFault(error);
    log.warn(
      { connection: connection.code, code, reason: message },
      'could not log out: the session ends with the inactivity time-out',
    );
  }
  // Whatever came of it, the next start opens a session of its own.
  cookies.clear();
  await state.keep();
};
