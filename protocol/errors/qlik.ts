import type { ErrorKinds } from './kind.ts';

/** Errors that Qlik Sense answers with, at log-in and after. */
export const QLIK_KINDS = {
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
  'qlik.foreign_page': {
    retryable: false,
    advice:
      'Check `connection.url`; if a gateway with a log-in of its own stands before Qlik, ask for a way past it for this machine.',
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
    advice:
      'Use a client certificate that the QMC of this site exported and a proxy service address of this site, and check `auth.user_directory` and `auth.user_id`.',
  },
  'qlik.ticket_prefix_unknown': {
    retryable: false,
    advice:
      'Name in `auth.proxy_service_url` the proxy service (port 4243) of the node whose proxy this virtual proxy is linked to.',
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
  'qlik.app_too_large': {
    retryable: false,
    advice: 'The app is larger than the crawl may read; raise `crawl.app_max_size`, or leave it at what came.',
  },
  'qlik.script_not_visible': {
    retryable: false,
    advice: 'Give the user read access to the load script (resource `App*`, action Read, in Hub and QMC).',
  },
  'qlik.data_model_unavailable': {
    retryable: false,
    advice: 'Reload the app once on a release of June 2018 or later; then the engine keeps its tables and fields.',
  },
  'qlik.folder_unreadable': {
    retryable: true,
    advice: 'Let the account of the agent read the folder that `paths` names, and see that the share is there.',
  },
} as const satisfies ErrorKinds<'qlik'>;
