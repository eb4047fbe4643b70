import type { ErrorKinds } from './kind.ts';

/** Errors on the way to a server: names, sockets, TLS, and the proxy between. */
export const NETWORK_KINDS = {
  // reaching Qlik
  'network.dns': { retryable: true, advice: 'Check the host name in `connection.url` and the DNS of this machine.' },
  'network.dns_unavailable': {
    retryable: true,
    advice: 'The DNS server of this machine gives no answer: check its address and the network; the name may be right.',
  },
  'network.unreachable': {
    retryable: true,
    advice: 'This machine has no way to that network: check its routes, its VPN and the address that DNS gave.',
  },
  'network.clock': {
    retryable: false,
    advice: 'Set the clock of this machine (NTP): tokens and certificates are judged by it.',
  },
  'network.refused': { retryable: true, advice: 'Check host and port, and that a firewall lets this machine through.' },
  'network.timeout': { retryable: true, advice: 'Check host and port; a firewall that drops packets looks like this.' },
  'network.reset': {
    retryable: true,
    advice: 'The connection was cut; try again, then look at proxies and firewalls between.',
  },
  'tls.untrusted': {
    retryable: false,
    advice: 'Put the certificate of the issuing authority into a PEM file and name it in `tls.truststore.path`.',
  },
  'tls.expired': { retryable: false, advice: 'Renew the certificate of the server; its date of expiry has passed.' },
  'tls.not_yet_valid': {
    retryable: false,
    advice: 'Check the clock of this machine and the certificate of the server.',
  },
  'tls.wrong_host': {
    retryable: false,
    advice:
      'Use the host name that is in the certificate, set `connection.alias_host`, or `tls.verify_host_name = false`.',
  },
  'tls.client_certificate': {
    retryable: false,
    advice: 'Export the certificates again from the QMC (Certificates, platform independent PEM, include secret key).',
  },
  'tls.unverifiable': {
    retryable: false,
    advice: 'Give the server another certificate: to trust the authority of this one does not help.',
  },
  'tls.client_certificate_missing': {
    retryable: false,
    advice:
      'The server wants a client certificate: set `connection.auth.certificate`, or use the port of the virtual proxy (443).',
  },
  'tls.client_certificate_expired': {
    retryable: false,
    advice: 'Export new certificates from the QMC (Certificates, platform independent PEM, include secret key).',
  },
  'tls.self_signed': {
    retryable: false,
    advice: 'Give the server a certificate of your authority, or name its own in `tls.truststore.path` after a check.',
  },
  'tls.incomplete_chain': {
    retryable: false,
    advice:
      'Let the server send its intermediate certificate as well; until then name that one in `tls.truststore.path`.',
  },
  'tls.in_system_store': {
    retryable: false,
    advice: 'Set `tls.system_authorities = true`: this machine trusts the authority, Culvert does not by itself.',
  },
  'tls.intercepted': {
    retryable: false,
    advice:
      'Ask the network team to exempt this host from TLS inspection, or for the authority of the inspection as a PEM file for `tls.truststore.path`.',
  },
  'tls.not_tls': { retryable: false, advice: 'Check the port: what listens there does not speak TLS.' },
  'tls.old_version': {
    retryable: false,
    advice: 'Enable TLS 1.2 on the server; Culvert does not speak the older versions, which are broken.',
  },
  'tls.weak': {
    retryable: false,
    advice: 'Give the server a certificate with a key of at least 2048 bits (RSA) and SHA-256, and current ciphers.',
  },
  'tls.expires_soon': {
    retryable: false,
    advice: 'Renew the certificate in time; on the day named the connection fails.',
  },
  'tls.unchecked': {
    retryable: false,
    advice:
      'Name the authority in `tls.truststore.path` and remove what switches the check off: anybody between can read along.',
  },
  'tls.failed': { retryable: false, advice: 'Check that the port speaks TLS and which versions the server allows.' },
  // the proxy on the way, apart from what lies behind it
  'proxy.unreachable': {
    retryable: true,
    advice: 'Check host and port of the proxy (`proxy.hostname`, `proxy.port`, or the environment variable named).',
  },
  'proxy.timeout': {
    retryable: true,
    advice:
      'Check `proxy.scheme`, host and port of the proxy, and that it may reach the server: one that waits looks like this, and one that speaks HTTP when SOCKS is spoken to it.',
  },
  'proxy.auth_required': {
    retryable: false,
    advice: 'Set `proxy.username` and `proxy.password` to an account that the proxy knows (for Basic authentication).',
  },
  'proxy.auth_refused': {
    retryable: false,
    advice: 'Correct `proxy.username` and `proxy.password`; mind that wrong passwords may lock the account.',
  },
  'proxy.ntlm_only': {
    retryable: false,
    advice:
      'Ask for an account with Basic authentication or an exception for this machine, or run a local relay (cntlm, px) and name it as the proxy.',
  },
  'proxy.refused': {
    retryable: false,
    advice: 'Ask who runs the proxy to allow CONNECT to this host and port; many allow port 443 only.',
  },
  'proxy.no_tunnels': {
    retryable: false,
    advice:
      'Check `proxy.port`: this may be a web server or a proxy for plain http only; ask for one that allows CONNECT.',
  },
  'proxy.target_unreachable': {
    retryable: true,
    advice:
      'The proxy works but cannot reach the server: check the host name and port, and whether a proxy is right here.',
  },
  'proxy.tls_untrusted': {
    retryable: false,
    advice:
      'Put the certificate of the authority of the proxy into a PEM file and name it in `proxy.tls.truststore.path`.',
  },
  'proxy.tls_failed': {
    retryable: false,
    advice: 'Write `proxy.scheme = "http"` unless this port of the proxy speaks TLS itself; most do not.',
  },
  'proxy.protocol': {
    retryable: false,
    advice: 'Check `proxy.scheme` and `proxy.port`: another kind of server seems to listen there.',
  },
  'proxy.socks_failed': {
    retryable: false,
    advice: 'Check `proxy.scheme`, `proxy.port` and the rules of the SOCKS proxy; its log says why it refused.',
  },
  'proxy.upgrade_blocked': {
    retryable: true,
    advice: 'Ask who runs the proxy to exempt this host from inspection, or to let WebSockets pass.',
  },
} as const satisfies ErrorKinds<'network' | 'tls' | 'proxy'>;
