/**
 * Virtual proxies with SAML or OpenID Connect: whoever has no session is sent to the identity provider, which is another
 * machine and wants a browser. Nobody gets in by a program.
 */
import { randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Authenticator } from './authenticator.ts';

export type IdentityProvider = 'saml' | 'oidc';

/** A machine that does not exist: a client that follows the redirect finds nobody. */
const PROVIDER = 'https://idp.example.test';

/** The redirect binding of SAML: the request is deflated, base64, and a parameter. */
const samlRequest = (): string => {
  const request = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${randomUUID()}" Version="2.0"/>`;
  return encodeURIComponent(deflateRawSync(request).toString('base64'));
};

export const identityProviderAuthenticator = (method: IdentityProvider): Authenticator => ({
  method,
  authenticate: () => ({ kind: 'none' }),
  loginPath(_request, target) {
    const back = encodeURIComponent(new URL(target).origin);
    return method === 'saml'
      ? `${PROVIDER}/adfs/ls/?SAMLRequest=${samlRequest()}&RelayState=${randomUUID()}`
      : `${PROVIDER}/oauth2/authorize?client_id=qlik&response_type=code&scope=openid&redirect_uri=${back}%2Foidc%2Foidcauthn&state=${randomUUID()}`;
  },
});
