import type { Case, Impossible } from './pairs.ts';

/** Every way in, every way there. */
export const FACTORS = {
  authentication: ['PEM path', 'PEM value', 'PFX', 'JWT', 'own JWT', 'header', 'NTLM', 'forms', 'ticket'],
  /** Before and after the protection of WebSockets of November 2024. */
  release: ['november-2021', 'may-2025'],
  route: ['direct', 'http', 'https', 'socks4a', 'socks5'],
  login: ['no login', 'password'],
  program: ['no proxy', 'squid', 'tinyproxy', 'stunnel', 'dante', 'microsocks'],
  trust: ['default roots', 'PKCS12', 'JKS', 'PEM'],
} as const;

export type Way = Case<typeof FACTORS>;

const PROXIES = ['squid', 'tinyproxy', 'stunnel', 'dante', 'microsocks'] as const;
const THROUGH_PROXIES = ['http', 'https', 'socks4a', 'socks5'] as const;

/** What each program cannot be asked by, and why. */
const UNABLE: Readonly<Record<(typeof PROXIES)[number], readonly [reason: string, ...routes: Way['route'][]]>> = {
  squid: ['squid speaks no SOCKS', 'socks4a', 'socks5'],
  tinyproxy: ['tinyproxy speaks neither TLS with its clients nor SOCKS', 'https', 'socks4a', 'socks5'],
  stunnel: ['stunnel opens ways for clients by SOCKS only', 'http', 'https'],
  dante: ['dante speaks no HTTP, and of SOCKS4 not the one with names', 'http', 'https', 'socks4a'],
  microsocks: ['microsocks speaks SOCKS5 only', 'http', 'https', 'socks4a'],
};

export const IMPOSSIBLE: readonly Impossible<typeof FACTORS>[] = [
  { pair: { route: 'direct', login: 'password' }, reason: 'there is no proxy to log in to' },
  { pair: { login: 'password', program: 'no proxy' }, reason: 'there is no proxy to log in to' },
  { pair: { route: 'socks4a', login: 'password' }, reason: 'SOCKS4a carries a user name and no password' },
  { pair: { login: 'password', program: 'stunnel' }, reason: 'stunnel knows no login by SOCKS' },
  ...PROXIES.map((program) => ({ pair: { route: 'direct', program } as const, reason: 'direct is without a proxy' })),
  ...THROUGH_PROXIES.map((route) => ({
    pair: { route, program: 'no proxy' } as const,
    reason: 'a route through a proxy needs one',
  })),
  ...PROXIES.flatMap((program) => {
    const [reason, ...routes] = UNABLE[program];
    return routes.map((route) => ({ pair: { route, program }, reason }));
  }),
];
