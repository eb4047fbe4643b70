import { createHmac } from 'node:crypto';
import { signToken } from '#test/simulator/tokens.ts';
import { certificate, file, header, jwt, moved, signedJwt, ticket, windows } from '../connections.ts';
import type { FaultRow, Group } from '../row.ts';
import { closedPort, otherSite } from '../servers.ts';
import type { Stage } from '../stage.ts';

const HOUR_MS = 3_600_000;
const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const token = (stage: Stage, claims: Readonly<Record<string, unknown>>): string =>
  file(stage, jwt(stage, stage.site.token(undefined, claims)));
const claimsOf = ({ site: { addresses } }: Stage) => ({
  userId: addresses.user.id,
  userDirectory: addresses.user.directory,
  exp: secondsFromNow(3_600),
});
const at = (stage: Stage, prefix: string): string => `${stage.site.addresses.proxyUrl}/${prefix}`;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const virtualProxies: Group<FaultRow> = {
  title: 'The virtual proxy',
  rows: [
    {
      name: 'the prefix is unknown',
      made: 'a prefix that no virtual proxy has',
      check: 'virtual_proxy',
      code: 'qlik.prefix_unknown',
      connection: (stage) => file(stage, header(stage, { url: at(stage, 'haeder') })),
      says: ['haeder', 'QMC'],
    },
    {
      name: 'the virtual proxy is not linked',
      made: 'a virtual proxy that is not linked to the proxy that was called',
      site: { unlinkedPrefixes: ['orphan'] },
      check: 'virtual_proxy',
      code: 'qlik.prefix_not_linked',
      connection: (stage) => file(stage, header(stage, { url: at(stage, 'orphan') })),
      says: ['orphan', 'Link'],
    },
    {
      name: 'the proxy may not be called by this name',
      made: 'a Host allow list without the name in the address, which takes another name of the certificate',
      site: { hostNames: ['qlik.example.test'], faults: { allowedHosts: ['qlik.example.test'] } },
      check: 'virtual_proxy',
      code: 'qlik.host_not_allowed',
      connection: (stage) => file(stage, header(stage)),
      says: ['qlik.example.test', 'Host allow list'],
    },
    {
      name: 'no name of the certificate may be used',
      made: 'a Host allow list with none of the names of the certificate',
      site: { faults: { allowedHosts: ['elsewhere.example.test'] } },
      check: 'virtual_proxy',
      code: 'qlik.host_not_allowed',
      connection: (stage) => file(stage, jwt(stage)),
      says: ['Host allow list'],
    },
    {
      name: 'something before Qlik lets this machine in nowhere',
      made: 'HTTP 403 to every request, before any log-in',
      site: { faults: { httpErrors: [{ on: 'proxy', status: 403 }] } },
      check: 'virtual_proxy',
      code: 'qlik.blocked_before_login',
      connection: (stage) => file(stage, header(stage)),
      says: ['403'],
    },
    {
      name: 'a gateway answers instead of Qlik',
      made: 'HTTP 502 to every request',
      site: { faults: { httpErrors: [{ on: 'proxy', status: 502 }] } },
      check: 'virtual_proxy',
      code: 'qlik.unavailable',
      connection: (stage) => file(stage, header(stage)),
      says: ['502'],
    },
    {
      name: 'another web server answers',
      made: 'a page with status 200 for everything',
      check: 'virtual_proxy',
      code: 'qlik.foreign_page',
      connection: async (stage) => {
        const { port } = stage.keep(await otherSite(stage.site.pki.server('valid')));
        return file(stage, header(stage, { url: moved(stage.site.addresses.header.url, { port }) }));
      },
    },
    {
      name: 'the address is that of the repository',
      made: 'a header login at port 4242',
      check: 'virtual_proxy',
      code: 'tls.client_certificate_missing',
      connection: (stage) =>
        file(
          stage,
          header(stage, { url: moved(stage.site.addresses.header.url, { port: stage.site.addresses.qrsPort }) }),
        ),
    },
    {
      name: 'the virtual proxy is for SAML',
      made: 'a redirect to an identity provider',
      site: { identityProviders: ['saml'] },
      check: 'authentication',
      code: 'qlik.interactive_only',
      connection: (stage) => file(stage, header(stage, { url: at(stage, 'saml') })),
      says: ['SAML', 'idp.example.test'],
    },
    {
      name: 'the virtual proxy is for OpenID Connect',
      made: 'a redirect to an identity provider',
      site: { identityProviders: ['oidc'] },
      check: 'authentication',
      code: 'qlik.interactive_only',
      connection: (stage) => file(stage, jwt(stage, stage.site.token(), at(stage, 'oidc'))),
      says: ['OpenID Connect'],
    },
    {
      name: 'a cookie is lost on the way',
      made: 'a reverse proxy that drops Set-Cookie',
      site: { faults: { cookies: false } },
      check: 'authentication',
      code: 'qlik.no_cookie',
      connection: (stage) => file(stage, header(stage)),
      says: ['Set-Cookie'],
    },
    {
      name: 'the user is inactive in the QMC',
      made: 'HTTP 403 after a good log-in',
      site: { faults: { inactiveUsers: true } },
      check: 'authentication',
      code: 'qlik.forbidden',
      connection: (stage) => file(stage, header(stage)),
      says: ['Your account is inactive', '403'],
    },
  ],
};

export const tokens: Group<FaultRow> = {
  title: 'JWT',
  rows: [
    {
      name: 'the token has expired',
      made: '`exp` an hour ago',
      check: 'authentication',
      code: 'qlik.token_expired',
      connection: (stage) => token(stage, { exp: secondsFromNow(-3_600) }),
      says: ['jwt init'],
    },
    {
      name: 'the token has expired, answered by 400',
      made: 'the same, on a site that calls the request bad',
      site: { faults: { tokenRefusal: 'bad-request' } },
      check: 'authentication',
      code: 'qlik.token_expired',
      connection: (stage) => token(stage, { exp: secondsFromNow(-3_600) }),
    },
    {
      name: 'the token has expired, answered by the login page',
      made: 'the same, on a site that sends it to log in',
      site: { faults: { tokenRefusal: 'login' } },
      check: 'authentication',
      code: 'qlik.token_expired',
      connection: (stage) => token(stage, { exp: secondsFromNow(-3_600) }),
    },
    {
      name: 'the token is not valid yet',
      made: '`nbf` tomorrow',
      check: 'authentication',
      code: 'qlik.token_not_yet_valid',
      connection: (stage) => token(stage, { nbf: secondsFromNow(86_400), exp: secondsFromNow(172_800) }),
    },
    {
      name: 'the token lacks the user directory',
      made: 'no claim for "JWT attribute for user directory"',
      check: 'authentication',
      code: 'qlik.token_claims',
      connection: (stage) => token(stage, { userDirectory: undefined }),
      says: ['user directory'],
    },
    {
      name: 'the token was signed by another key',
      made: 'the JWT certificate in the QMC belongs to another key',
      check: 'authentication',
      code: 'qlik.token_refused',
      connection: (stage) => file(stage, jwt(stage, signToken(stage.site.pki.clientKeyPem, claimsOf(stage)))),
      says: ['JWT certificate'],
    },
    {
      name: 'the key of the agent is not the one in the QMC',
      made: 'tokens signed by the agent, by another key than the virtual proxy has',
      check: 'authentication',
      code: 'qlik.token_refused',
      connection: (stage) => file(stage, signedJwt(stage, stage.site.pki.clientKeyPem)),
      says: ['JWT certificate'],
    },
    {
      name: 'the agent names its claims otherwise than the QMC',
      made: 'another `user_id_claim` than the virtual proxy looks for',
      check: 'authentication',
      code: 'qlik.token_refused',
      connection: (stage) => file(stage, signedJwt(stage, stage.site.pki.jwtKeyPem, ', user_id_claim = upn')),
      says: ['upn'],
    },
    {
      name: 'the token is signed by a shared secret',
      made: 'algorithm HS256',
      check: 'authentication',
      code: 'qlik.token_malformed',
      connection: (stage) => {
        const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claimsOf(stage))}`;
        const mac = createHmac('sha256', 'canary-shared').update(signed).digest('base64url');
        return file(stage, jwt(stage, `${signed}.${mac}`));
      },
      says: ['HS256', 'RS256'],
    },
    {
      name: 'the token is no token',
      made: 'some other text in `auth.token`',
      check: 'file',
      code: 'config.invalid',
      connection: (stage) => file(stage, jwt(stage, 'canary-no-token')),
      says: ['three parts'],
    },
    {
      name: 'the virtual proxy is not for JWT',
      made: 'a good token for a virtual proxy with header authentication',
      check: 'authentication',
      code: 'qlik.token_ignored',
      connection: (stage) => file(stage, jwt(stage, stage.site.token(), stage.site.addresses.header.url)),
      says: ['JWT'],
    },
    {
      name: "the site's clock is behind",
      made: 'tokens signed by the agent, a clock that is two hours behind',
      site: { faults: { clockSkewMs: -2 * HOUR_MS } },
      check: 'authentication',
      code: 'qlik.clock_skew',
      connection: (stage) => file(stage, signedJwt(stage)),
      says: ['2 hours behind'],
    },
    {
      name: "the site's clock is ahead",
      made: 'tokens signed by the agent, a clock that is two hours ahead',
      site: { faults: { clockSkewMs: 2 * HOUR_MS } },
      check: 'authentication',
      code: 'qlik.clock_skew',
      connection: (stage) => file(stage, signedJwt(stage)),
      says: ['2 hours ahead'],
    },
  ],
};

export const headers: Group<FaultRow> = {
  title: 'Header authentication',
  rows: [
    {
      name: 'the virtual proxy looks for another header',
      made: '`auth.key` is not the header name of the QMC',
      check: 'authentication',
      code: 'qlik.header_ignored',
      connection: (stage) => file(stage, header(stage, { key: 'X-Other-User' })),
      says: ['X-Other-User'],
    },
    {
      name: 'the virtual proxy looks for another header, and says 400',
      made: 'the same, on a site that calls the request bad',
      site: { faults: { headerMissing: 'incorrect' } },
      check: 'authentication',
      code: 'qlik.header_ignored',
      connection: (stage) => file(stage, header(stage, { key: 'X-Other-User' })),
      says: ['X-Other-User'],
    },
    {
      name: 'a header that Qlik keeps for itself',
      made: '`auth.key = X-Qlik-User`',
      check: 'authentication',
      code: 'qlik.header_ignored',
      connection: (stage) => file(stage, header(stage, { key: 'X-Qlik-User' })),
      says: ['X-Qlik-'],
    },
    {
      name: 'the value has no user directory',
      made: 'the user alone, where the directory is dynamic',
      check: 'authentication',
      code: 'qlik.header_invalid',
      connection: (stage) => file(stage, header(stage, { value: 'svc_catalog' })),
      says: ['directory\\user'],
    },
    {
      name: 'the virtual proxy is for JWT',
      made: 'a header for a virtual proxy with JWT',
      check: 'authentication',
      code: 'qlik.header_ignored',
      connection: (stage) => file(stage, header(stage, { url: stage.site.addresses.jwt.url })),
    },
  ],
};

export const accounts: Group<FaultRow> = {
  title: 'Windows users',
  rows: [
    ...(
      [
        ['the password is wrong', 'another password', {}, { password: 'canary-wrong' }],
        ['the user is unknown', 'a name that the domain does not have', {}, { username: 'CORP\\nobody' }],
        ['the account is disabled', 'an account that is disabled in the domain', { windowsAccounts: 'disabled' }, {}],
        ['the account is locked', 'too many wrong passwords', { windowsAccounts: 'locked' }, {}],
        ['the password has expired', 'a password that must be changed', { windowsAccounts: 'password-expired' }, {}],
      ] as const
    ).flatMap(([name, made, faults, login]) =>
      (['ntlm', 'forms'] as const).map(
        (method): FaultRow => ({
          name: `${name} (${method === 'ntlm' ? 'NTLM' : 'form'})`,
          made,
          need: 'ntlm',
          site: { faults },
          check: 'authentication',
          code: 'qlik.password_refused',
          connection: (stage) => file(stage, windows(stage, { method, ...login })),
          says: [/disabled|locked/],
        }),
      ),
    ),
    {
      name: 'only Kerberos is taken',
      made: 'the 401 offers Negotiate and refuses NTLM in it, and there is no form',
      need: 'ntlm',
      site: { windows: { offers: 'kerberos', forms: false } },
      check: 'authentication',
      code: 'qlik.kerberos_only',
      connection: (stage) => file(stage, windows(stage, { method: 'ntlm' })),
      says: ['Kerberos'],
    },
  ],
};

export const ticketsAndCertificates: Group<FaultRow> = {
  title: 'Tickets and certificates',
  rows: [
    {
      name: 'the proxy service does not take the certificate',
      made: 'a client certificate of another site',
      check: 'authentication',
      code: 'qlik.ticket_refused',
      connection: (stage) => file(stage, ticket(stage, { pair: stage.site.pki.client('other-authority') })),
      says: ['403'],
    },
    {
      name: 'the proxy service gives this user no ticket',
      made: 'HTTP 403 to the request for a ticket',
      site: { faults: { httpErrors: [{ on: 'ticket', status: 403 }] } },
      check: 'authentication',
      code: 'qlik.ticket_refused',
      connection: (stage) => file(stage, ticket(stage)),
      says: ['auth.user_id'],
    },
    {
      name: 'the port of the proxy service is closed',
      made: 'a firewall before 4243',
      check: 'tcp',
      code: 'network.refused',
      connection: async (stage) => file(stage, ticket(stage, { service: `https://127.0.0.1:${await closedPort()}` })),
      says: ['4243'],
    },
    {
      name: 'the proxy service does not know the virtual proxy',
      made: 'HTTP 404 to the request for a ticket',
      site: { faults: { httpErrors: [{ on: 'ticket', status: 404 }] } },
      check: 'authentication',
      code: 'qlik.ticket_prefix_unknown',
      connection: (stage) => file(stage, ticket(stage)),
      says: ['4243'],
    },
    {
      name: 'the repository does not take the certificate',
      made: 'a client certificate of another site, at 4242 and 4747',
      check: 'tls',
      code: 'tls.client_certificate',
      connection: (stage) => file(stage, certificate(stage, { pair: stage.site.pki.client('other-authority') })),
      says: ['certificate'],
    },
    {
      name: 'the port of the engine is closed',
      made: 'a firewall before 4747, or the engine is down',
      site: { faults: { servicesDown: ['engine'] } },
      check: 'tcp',
      code: 'network.refused',
      connection: (stage) => file(stage, certificate(stage)),
      says: ['4747'],
    },
  ],
};
