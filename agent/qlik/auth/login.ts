import type { Dialer, HttpRoute } from '#agent/network/dialer.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { CookieJar } from './cookies.ts';
import { SignedTokens } from './signed-jwt.ts';
import { requestTicket } from './ticket.ts';
import { logInWindowsUser } from './windows.ts';

/** What proves who we are on a request that opens a session. */
export interface Proof {
  readonly headers: Readonly<Record<string, string>>;
  /** Goes into the query of the address; empty for none. */
  readonly query: string;
}

/** How sessions of the proxy are opened. */
export interface Login {
  /**
   * True: every request of a bootstrap carries the proof, also beside a cookie. False: the proof is spent by one
   * request, so that it is asked for only while there is no session.
   */
  readonly repeatable: boolean;
  /** May send requests of its own, whose cookies go into the jar. */
  prove(cookies: CookieJar): Promise<Proof>;
}

const always = (headers: () => Record<string, string>): Login => ({
  repeatable: true,
  prove: () => Promise.resolve({ headers: headers(), query: '' }),
});

/** The login of a connection through the proxy. `http` is the route to the proxy. */
export const loginOf = (connection: Connection, http: HttpRoute, dialer: Dialer): Login => {
  const { authentication } = connection;
  switch (authentication.type) {
    case 'header':
      return always(() => ({ [authentication.header]: authentication.value.reveal() }));
    case 'jwt':
      return always(() => ({ authorization: `Bearer ${authentication.token.reveal()}` }));
    case 'signed-jwt': {
      const tokens = new SignedTokens(authentication);
      return always(() => ({ authorization: `Bearer ${tokens.current()}` }));
    }
    case 'ticket':
      return {
        repeatable: false,
        prove: async () => ({
          headers: {},
          query: `qlikTicket=${encodeURIComponent(await requestTicket(connection, authentication, dialer))}`,
        }),
      };
    case 'windows':
      return {
        repeatable: false,
        prove: async (cookies) => {
          await logInWindowsUser(connection, authentication, dialer, cookies);
          return { headers: {}, query: '' };
        },
      };
    case 'certificate':
      throw new RangeError(`${http.peer.host}: certificates speak to the services, not to the proxy`);
    default:
      return authentication satisfies never;
  }
};
