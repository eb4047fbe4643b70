import { z } from 'zod';

/**
 * Errors that a person can see. Every one has a stable `code`, says whether trying again can help (`retryable`), and
 * ends in `advice`: one sentence that says what to do next. The table below is the only place where codes are made.
 */
interface Kind {
  readonly retryable: boolean;
  readonly advice: string;
}

export const ERROR_KINDS = {
  // the connection file and the agent's settings
  'config.syntax': { retryable: false, advice: 'Correct the file at the place named; it is read again at once.' },
  'config.invalid': { retryable: false, advice: 'Correct the value named; the file is read again at once.' },
  'config.missing_key': { retryable: false, advice: 'Add the key named to the file.' },
  'config.unknown_key': {
    retryable: false,
    advice: 'Check the spelling; a key that Culvert does not know has no effect.',
  },
  'config.suspicious_value': { retryable: false, advice: 'Write the value in quotes as shown.' },
  'config.empty_value': { retryable: false, advice: 'Fill the value in, or delete the line.' },
  'config.not_supported_yet': { retryable: false, advice: 'Remove the key, or wait for the release that supports it.' },
  'config.duplicate_code': { retryable: false, advice: 'Give each connection file a `code` of its own.' },
  'config.unreadable': { retryable: true, advice: 'Check that the file exists and that the agent may read it.' },
  'config.too_large': { retryable: false, advice: 'A connection file may have 1 MiB at most.' },
  'config.misnamed': { retryable: false, advice: 'Rename the file, so that it ends in .conf, .json, .yaml or .yml.' },
  'config.unused_file': { retryable: false, advice: 'Name the file in a connection file, or move it elsewhere.' },
  'config.exposed': { retryable: false, advice: 'Let only the user of the agent read the file: chmod 600.' },
  'config.expiring': { retryable: false, advice: 'Renew it in time, and put the new one in its place.' },
  // secrets that stand outside the file
  'secrets.missing': {
    retryable: false,
    advice: 'Check the name of the secret and of its field; a new one is found by itself.',
  },
  'secrets.unreachable': {
    retryable: true,
    advice: 'Check the address of the secret manager in `agent.conf` and the way to it; it is asked again by itself.',
  },
  'secrets.refused': {
    retryable: true,
    advice: 'Check the credentials and the rights for the secret manager in `agent.conf`.',
  },
  'secrets.invalid': { retryable: false, advice: 'Correct the secret where it is kept; it is read again by itself.' },
  'secrets.not_configured': {
    retryable: false,
    advice: 'Describe the secret manager in the block `secret_manager` of `agent.conf`.',
  },
  'secrets.undecryptable': {
    retryable: false,
    advice: 'Encrypt the value again on this machine: `culvert encrypt`.',
  },
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
      'Check host and port of the proxy, and that the proxy may reach the server: one that waits looks like this.',
  },
  'proxy.auth_required': {
    retryable: false,
    advice: 'Set `proxy.username` and `proxy.password` to an account that the proxy knows (for Basic authentication).',
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
  // what Qlik answers
  'qlik.unauthorized': {
    retryable: false,
    advice: 'Check the token, header or certificate, and that the virtual proxy prefix in `connection.url` is right.',
  },
  'qlik.kerberos_only': {
    retryable: false,
    advice:
      'Let the virtual proxy offer NTLM or its login form, or log in by JWT (culvert jwt init), ticket or certificate.',
  },
  'qlik.forbidden': {
    retryable: false,
    advice: 'The server was reached and knows the user; give the user the security rules that the README lists.',
  },
  'qlik.login_page': {
    retryable: false,
    advice: 'The virtual proxy answered with its login page: check the prefix and the authentication method.',
  },
  'qlik.prefix_unknown': {
    retryable: false,
    advice: 'Check the virtual proxy prefix in `connection.url` against the QMC.',
  },
  'qlik.websocket_forbidden': {
    retryable: false,
    advice: 'Add the host of `connection.url` to the Host allow list of the virtual proxy in the QMC.',
  },
  'qlik.no_answer': {
    retryable: true,
    advice:
      'The way to the server is open: look whether the Qlik Sense services hang, are starting (minutes) or are overloaded, then try again.',
  },
  // the virtual proxy and the log-in
  'qlik.prefix_not_linked': {
    retryable: false,
    advice: 'In the QMC, open the virtual proxy, Associated items > Proxies > Link, and link it to this proxy.',
  },
  'qlik.host_not_allowed': {
    retryable: false,
    advice: 'In the QMC, add the host of `connection.url` to the Host allow list of the virtual proxy.',
  },
  'qlik.blocked_before_login': {
    retryable: false,
    advice:
      'The server is up and was reached; ask who runs the firewall or reverse proxy before Qlik to let this machine through.',
  },
  'qlik.interactive_only': {
    retryable: false,
    advice:
      'A program cannot log in there: make a virtual proxy of its own for Culvert (culvert jwt init prints one), and name its prefix.',
  },
  'qlik.token_expired': {
    retryable: false,
    advice: 'Put a new token into the file, or let the agent sign its own, which never expire: culvert jwt init.',
  },
  'qlik.token_not_yet_valid': {
    retryable: false,
    advice: 'Make a token that is valid from now on (claims `nbf` and `iat`), and check the clock where it was made.',
  },
  'qlik.token_malformed': {
    retryable: false,
    advice: 'Put a JSON web token, signed by RS256, into `auth.token`, without quotes, blanks or "Bearer".',
  },
  'qlik.token_claims': {
    retryable: false,
    advice:
      'Make the token with the claims that the virtual proxy names in "JWT attribute for user ID" and "… for user directory".',
  },
  'qlik.token_refused': {
    retryable: false,
    advice:
      'In the QMC, compare the JWT certificate of the virtual proxy with the key that signed the token, and its two JWT attributes with the claims shown.',
  },
  'qlik.token_ignored': {
    retryable: false,
    advice:
      'In the QMC, set the authentication method of this virtual proxy to JWT, or name the prefix of one that has it.',
  },
  'qlik.clock_skew': {
    retryable: false,
    advice: 'Set the clocks of this machine and of the Qlik server by the same time server; tokens live for minutes.',
  },
  'qlik.header_ignored': {
    retryable: false,
    advice:
      'In the QMC, compare the authentication method (header) and the header name of this virtual proxy with `auth.key`.',
  },
  'qlik.header_invalid': {
    retryable: false,
    advice:
      'Compare `auth.value` with the virtual proxy: a dynamic user directory wants directory\\user, a static one the user alone; only ASCII.',
  },
  'qlik.password_refused': {
    retryable: false,
    advice: 'Check user, domain and password, and that the account is neither disabled nor locked.',
  },
  'qlik.ticket_refused': {
    retryable: false,
    advice: 'Use a client certificate that the QMC of this site exported, and a proxy service address of this site.',
  },
  'qlik.ticket_not_taken': {
    retryable: false,
    advice: 'Name in `auth.proxy_service_url` the proxy that serves `connection.url`: tickets count only there.',
  },
  'qlik.no_cookie': {
    retryable: false,
    advice: 'Ask who runs the reverse proxy or load balancer before Qlik to pass on the Set-Cookie headers.',
  },
  'qlik.user_unknown': {
    retryable: false,
    advice: 'Check user directory and user id, in the spelling of the QMC (Users).',
  },
  'qlik.xrfkey_refused': {
    retryable: false,
    advice: 'Ask who runs the reverse proxy before Qlik to pass on the header X-Qlik-Xrfkey and the query unchanged.',
  },
  // what the user may see
  'qlik.nothing_visible': {
    retryable: false,
    advice:
      'In the QMC, Security rules, give the user the rule that culvert doctor --rules prints: read on streams and apps at the least.',
  },
  'qlik.kinds_not_visible': {
    retryable: false,
    advice: 'If there are such items, give the user the security rule that culvert doctor --rules prints.',
  },
  'qlik.connections_not_visible': {
    retryable: false,
    advice: 'Give the user read access to data connections (resource `DataConnection_*`, action Read, in Hub and QMC).',
  },
  'qlik.csrf_token_missing': {
    retryable: false,
    advice: 'Ask who runs the reverse proxy before Qlik to pass on /qps/csrftoken and its header qlik-csrf-token.',
  },
  'qlik.origin_not_allowed': {
    retryable: false,
    advice: 'In the QMC, add the host of `connection.url` to the Host allow list of the virtual proxy.',
  },
  'qlik.opened_with_data': {
    retryable: true,
    advice: 'Somebody else of the same user has the app open; give the agent a user of its own.',
  },
  'qlik.app_migrating': {
    retryable: true,
    advice: 'The app is being migrated to this release of Qlik Sense; try again when that is done (QMC, Apps).',
  },
  'qlik.section_access': {
    retryable: false,
    advice: 'Add the user to the section access of the app; other apps are not touched by it.',
  },
  'qlik.session_limit': {
    retryable: true,
    advice: 'The user has five sessions open: wait, or give the agent a user of its own.',
  },
  'qlik.license': {
    retryable: false,
    advice: 'Give the user an access allocation (professional or analyzer) in the QMC.',
  },
  'qlik.license_pending': {
    retryable: true,
    advice: 'Wait some minutes until Qlik Sense has assigned the licence, then try again; see QMC, License management.',
  },
  'qlik.no_engine': {
    retryable: true,
    advice: 'Check that the Qlik Sense engine service runs and is linked to the proxy.',
  },
  'qlik.access_denied': {
    retryable: false,
    advice: 'Give the user read access to this app (or to its section access).',
  },
  'qlik.not_found': { retryable: false, advice: 'It was deleted while the crawl ran; the next crawl settles it.' },
  'qlik.overloaded': {
    retryable: true,
    advice: 'The engine is short of memory or saturated; crawl at a quieter hour.',
  },
  'qlik.protocol': {
    retryable: false,
    advice: 'The answer was not what Qlik Sense sends; check that the URL leads to it.',
  },
  'qlik.unavailable': { retryable: true, advice: 'The service answered with a server error; look into its log.' },
  'qlik.count_mismatch': {
    retryable: true,
    advice: 'The repository returned fewer rows than it counted; nothing is deleted on such a listing.',
  },
  'qlik.engine_failed': {
    retryable: true,
    advice: 'The engine refused the call; its code and text are in the message.',
  },
  'qlik.app_timeout': {
    retryable: true,
    advice: 'The app took longer than allowed; raise `crawl.app_timeout` or try later.',
  },
  'qlik.script_not_visible': {
    retryable: false,
    advice: 'Give the user read access to the load script (resource `App*`, action Read, in Hub and QMC).',
  },
  'qlik.data_model_unavailable': {
    retryable: false,
    advice: 'Reload the app once on a release of June 2018 or later; then the engine keeps its tables and fields.',
  },
  // the link to the catalog
  'bridge.unreachable': {
    retryable: true,
    advice: 'Check `gateway.url` and that this machine may open connections to it.',
  },
  'bridge.upgrade_blocked': {
    retryable: true,
    advice: 'Something between removes or stalls WebSockets: let it pass them to the host of `gateway.url`.',
  },
  'bridge.upgrade_refused': {
    retryable: false,
    advice: 'Check `gateway.url`: what answers there is not the link of a Culvert catalog.',
  },
  'bridge.enrolment_refused': {
    retryable: false,
    advice: 'Make a new token in the catalog under Agents; each works once.',
  },
  'bridge.already_running': {
    retryable: false,
    advice: 'Stop that agent first; a second agent needs a `state` folder and an enrolment of its own.',
  },
  'bridge.not_enrolled': { retryable: false, advice: 'Run `culvert enroll` with a token from the catalog first.' },
  'bridge.identity_refused': {
    retryable: false,
    advice: 'The catalog does not know this agent any more: run `culvert enroll` with a new token.',
  },
  'bridge.job_signature': {
    retryable: false,
    advice: 'The job was not signed by the catalog that this agent enrolled with; do not run it, and ask who sent it.',
  },
  'bridge.protocol': {
    retryable: true,
    advice: 'The other end broke the protocol; update agent and catalog to one release.',
  },
  'bridge.lease_lost': {
    retryable: true,
    advice: 'The catalog gave the job to another attempt; nothing has to be done.',
  },
  // jobs
  'job.unknown_connection': {
    retryable: false,
    advice: 'No connection with this code is loaded on the agent: check its connections folder.',
  },
  'job.connection_invalid': {
    retryable: false,
    advice: 'Correct the connection file first; its errors are on its page.',
  },
  'job.connection_busy': {
    retryable: true,
    advice: 'Wait for the crawl or test of this connection or cancel it, then try again.',
  },
  'job.unknown_kind': { retryable: false, advice: 'Update the agent: it does not know this kind of job.' },
  'job.cancelled': { retryable: false, advice: 'It was cancelled; what had been published stays.' },
  'job.attempts_exhausted': {
    retryable: false,
    advice: 'Look at the last attempt, mend the cause, and ask for the job again.',
  },
  'job.agent_offline': { retryable: true, advice: 'Start the agent that owns this connection; the job waits for it.' },
  // disk
  'spool.full': {
    retryable: true,
    advice: 'Free disk space where the state folder of the agent is; the crawl goes on then.',
  },
  'spool.failed': { retryable: true, advice: 'Check the disk and the rights of the state folder of the agent.' },
  'catalog.unavailable': {
    retryable: true,
    advice: 'The catalog cannot store at the moment (disk or database); see its log.',
  },
  // the catalog's API
  'api.wrong_login': {
    retryable: false,
    advice: 'Check e-mail and password; a one-time link works once and for a day: ask for a new one.',
  },
  'api.too_many_logins': { retryable: true, advice: 'Wait five minutes, then try again.' },
  'api.unauthenticated': { retryable: false, advice: 'Log in, or send an API token as `Authorization: Bearer`.' },
  'api.csrf': { retryable: false, advice: 'Reload the page; programs should use an API token.' },
  'api.forbidden': { retryable: false, advice: 'Log in to the page and do it there.' },
  'api.host': { retryable: false, advice: 'Use the address that the catalog printed when it started.' },
  'api.not_found': { retryable: false, advice: 'Check the address; it may have been deleted.' },
  'api.invalid_request': { retryable: false, advice: 'Correct the value named; /api/openapi.json describes the API.' },
  'api.busy': { retryable: true, advice: 'Close pages of the catalog that you do not need, then try again.' },
  internal: { retryable: false, advice: 'This is a defect of Culvert: please report it with the log.' },
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An error as it travels and as it is shown. */
export const ErrorShape = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  advice: z.string(),
});
export type ErrorInfo = Readonly<z.infer<typeof ErrorShape>>;

/** An error that a person can see; `retryable` and `advice` come from {@link ERROR_KINDS} unless given. */
export class Fault extends Error implements ErrorInfo {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; advice?: string; retryable?: boolean } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? ERROR_KINDS[code].retryable;
    this.advice = options.advice ?? ERROR_KINDS[code].advice;
  }

  /** Only what may be shown: no cause, no stack. */
  toJSON(): ErrorInfo {
    return { code: this.code, message: this.message, retryable: this.retryable, advice: this.advice };
  }
}

/** Any thrown value as a {@link Fault}; what is not one already becomes `internal` (or `code`), keeping its message. */
export const asFault = (error: unknown, code: ErrorCode = 'internal'): Fault =>
  error instanceof Fault
    ? error
    : new Fault(code, error instanceof Error ? error.message : String(error), { cause: error });
