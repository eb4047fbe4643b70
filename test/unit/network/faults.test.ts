import { expect, test } from 'vitest';
import { networkFault, originOfPeer, peerOf } from '#agent/network/faults.ts';
import { Fault } from '#protocol/errors.ts';

const peer = { host: 'qlik.example', port: 4242 };
const system = (code: string, message = `${code} happened`): Error => Object.assign(new Error(message), { code });

test.each([
  ['ENOTFOUND', 'network.dns'],
  ['EAI_AGAIN', 'network.dns_unavailable'],
  ['ECONNREFUSED', 'network.refused'],
  ['EHOSTUNREACH', 'network.unreachable'],
  ['ENETUNREACH', 'network.unreachable'],
  ['ETIMEDOUT', 'network.timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'network.timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'network.timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'network.timeout'],
  ['ECONNRESET', 'network.reset'],
  ['EPIPE', 'network.reset'],
  ['UND_ERR_SOCKET', 'network.reset'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls.untrusted'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls.untrusted'],
  ['CERT_HAS_EXPIRED', 'tls.expired'],
  ['CERT_NOT_YET_VALID', 'tls.not_yet_valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls.wrong_host'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls.client_certificate'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'tls.client_certificate'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'tls.client_certificate'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'tls.client_certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'tls.client_certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'tls.client_certificate'],
  ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'tls.client_certificate'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls.failed'],
  ['EPROTO', 'tls.failed'],
])('%s is %s and names host and port', (code, expected) => {
  const fault = networkFault(system(code), peer);
  expect(fault.code).toBe(expected);
  expect(fault.message).toMatch(/^qlik\.example:4242: /);
  expect(fault.message).toContain(`${code} happened`);
});

test('an aggregate of two addresses, a WebSocket event and a cause are looked into', () => {
  const aggregate = new AggregateError([system('ECONNREFUSED'), system('ECONNREFUSED')], 'all failed');
  expect(networkFault(aggregate, peer).code).toBe('network.refused');
  expect(networkFault({ type: 'error', message: 'x', error: system('CERT_HAS_EXPIRED') }, peer).code).toBe(
    'tls.expired',
  );
  expect(networkFault(new Error('fetch failed', { cause: system('ENOTFOUND') }), peer).code).toBe('network.dns');
});

test('a timeout of a signal, a hang-up and the handshake timeout of ws are known by name or text', () => {
  expect(networkFault(new DOMException('too late', 'TimeoutError'), peer).code).toBe('network.timeout');
  expect(networkFault(new Error('socket hang up'), peer).code).toBe('network.reset');
  expect(networkFault(new Error('Opening handshake has timed out'), peer).code).toBe('network.timeout');
});

test('a fault stays as it is, and what nobody knows is network.reset with its text', () => {
  const fault = new Fault('qlik.forbidden', 'no');
  expect(networkFault(fault, peer)).toBe(fault);
  const unknown = networkFault(new Error('the moon is full'), { host: '::1', port: 443 });
  expect(unknown.code).toBe('network.reset');
  expect(unknown.message).toBe('[::1]:443: the connection failed (the moon is full)');
});

test('the peer of a URL has the default port of its scheme and no brackets', () => {
  expect(peerOf(new URL('wss://a.example/app'))).toEqual({ host: 'a.example', port: 443 });
  expect(peerOf(new URL('ws://[::1]/app'))).toEqual({ host: '::1', port: 80, plain: true });
  expect(originOfPeer(peerOf(new URL('ws://[::1]/app')))).toBe('http://[::1]:80');
  expect(originOfPeer(peerOf(new URL('wss://a.example/app')))).toBe('https://a.example:443');
  expect(peerOf(new URL('https://a.example:4242'))).toEqual({ host: 'a.example', port: 4242 });
});
