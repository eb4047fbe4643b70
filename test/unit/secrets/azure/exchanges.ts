import type { Exchange } from '../transcript.ts';

/** Sources: README.md beside this file. */
export const VAULT = 'culvert.vault.azure.net';
export const TENANT = '00000000-aaaa-bbbb-cccc-000000000000';
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const CHALLENGE = `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`;
const UNAUTHORIZED = {
  status: 401,
  headers: { ...JSON_TYPE, 'www-authenticate': CHALLENGE },
  body: { error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' } },
};

/** The vault says what kind of token it wants; `challenge` instead of its own. */
export const challenged = (challenge = CHALLENGE): Exchange => ({
  request: {
    method: 'GET',
    path: '/secrets?api-version=7.4&maxresults=1',
    headers: { host: VAULT, accept: 'application/json' },
  },
  answer: { ...UNAUTHORIZED, headers: { ...JSON_TYPE, 'www-authenticate': challenge } },
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
const loginRequest: Exchange['request'] = {
  method: 'POST',
  path: `/${TENANT}/oauth2/v2.0/token`,
  headers: { host: 'login.microsoftonline.com', ...FORM },
  body: 'grant_type=client_credentials&client_id=canary-client&client_secret=canary%2Fsecret&scope=https%3A%2F%2Fvault.azure.net%2F.default',
};

/** A client logs in with its secret. */
export const login = (token: string): Exchange => ({
  request: loginRequest,
  answer: {
    status: 200,
    headers: JSON_TYPE,
    body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token },
  },
});

/** It is refused. */
export const loginRefused = (status: number, error: string, description: string): Exchange => ({
  request: loginRequest,
  answer: {
    status,
    headers: JSON_TYPE,
    body: {
      error,
      error_description: `${description} Trace ID: 00000000-0000-0000-0000-000000000000 Correlation ID: 00000000-0000-0000-0000-000000000001 Timestamp: 2026-01-01 00:00:00Z`,
      error_codes: [Number(/AADSTS(\d+)/.exec(description)?.[1] ?? 0)],
      timestamp: '2026-01-01 00:00:00Z',
    },
  },
});

const asked = (token: string, name: string): Exchange['request'] => ({
  method: 'GET',
  path: `/secrets/${name}/?api-version=7.4`,
  headers: { host: VAULT, accept: 'application/json', authorization: `Bearer ${token}` },
});

/** A secret. */
export const secret = (token: string, value: string, name = 'qlik'): Exchange => ({
  request: asked(token, name),
  answer: {
    status: 200,
    headers: JSON_TYPE,
    body: {
      value,
      contentType: 'application/json',
      id: `https://${VAULT}/secrets/${name}/4387e9f3d6e14c459867679a90fd0f79`,
      attributes: { enabled: true, created: 1493938410, updated: 1493938410, recoveryLevel: 'Recoverable+Purgeable' },
    },
  },
});

/** Another answer about the secret `qlik`. */
export const refused = (
  token: string,
  status: number,
  code: string,
  message: string,
  inner?: object,
  headers = {},
): Exchange => ({
  request: asked(token, 'qlik'),
  answer: {
    status,
    headers: { ...JSON_TYPE, ...headers },
    body: { error: { code, message, ...inner } },
  },
});

/** A token that the vault does not take any more. */
export const expired = (token: string): Exchange => ({
  request: asked(token, 'qlik'),
  answer: {
    ...UNAUTHORIZED,
    headers: { ...UNAUTHORIZED.headers, 'www-authenticate': `${CHALLENGE}, error="invalid_token"` },
    body: { error: { code: 'Unauthorized', message: '[TokenExpired] Error validating token: S2S12086.' } },
  },
});

/** The identity of a virtual machine. */
export const machineToken = (token: string, endsAt: number): Exchange => ({
  request: {
    method: 'GET',
    path: '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net',
    headers: { metadata: 'true' },
  },
  answer: {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: {
      access_token: token,
      client_id: 'canary-client',
      expires_in: '3599',
      expires_on: String(endsAt / 1000),
      ext_expires_in: '3599',
      not_before: '1767225600',
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
    },
  },
});

/** A machine without an identity. */
export const noIdentity: Exchange = {
  request: machineToken('', 0).request,
  answer: {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: { error: 'invalid_request', error_description: 'Identity not found' },
  },
};

/** The identity of an App Service. */
export const appServiceToken = (token: string, endsAt: number): Exchange => ({
  request: {
    method: 'GET',
    path: '/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net&client_id=canary-client',
    headers: { 'x-identity-header': 'canary-header' },
  },
  answer: {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: {
      access_token: token,
      client_id: 'canary-client',
      expires_on: String(endsAt / 1000),
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
    },
  },
});

const ARC = '/metadata/identity/oauth2/token?api-version=2020-06-01&resource=https%3A%2F%2Fvault.azure.net';

/** Azure Arc wants the content of a file. */
export const arcChallenge = (file: string): Exchange => ({
  request: { method: 'GET', path: ARC, headers: { metadata: 'true' } },
  answer: { status: 401, headers: { 'www-authenticate': `Basic realm=${file}` } },
});

/** The identity of a machine with Azure Arc. */
export const arcToken = (token: string): Exchange => ({
  request: { method: 'GET', path: ARC, headers: { metadata: 'true', authorization: 'Basic canary-proof' } },
  answer: {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: {
      access_token: token,
      expires_in: '86400',
      expires_on: '1767312000',
      not_before: '1767225600',
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
    },
  },
});
