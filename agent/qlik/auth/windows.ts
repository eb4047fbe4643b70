import type { Dialer, HttpReply, HttpRequest, HttpRoute } from '#agent/network/dialer.ts';
import type { Connection, WindowsLogin } from '#config/connection/connection.ts';
import { Fault } from '#protocol/errors.ts';
import type { CookieJar } from './cookies.ts';
import { repositoryRoute, xrfKey } from './credentials.ts';
import { channelBindingOf } from './ntlm/channel-binding.ts';
import { isNtlm, negotiateMessage, parseChallenge } from './ntlm/messages.ts';
import { authenticateMessage } from './ntlm/proof.ts';
import { type Asked, refusal } from './verdict.ts';

/** The virtual proxy looks for "Windows" in it (its "Windows authentication pattern"); all others get a form. */
const WINDOWS_AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Culvert';
const FORM_AGENT = 'Culvert';
const STEP_MS = 90_000;
const MAX_HOPS = 10;
const MAX_TOKEN = 24 * 1024;
const MAX_PAGE_BYTES = 1024 * 1024;
const FORM = '/internal_forms_authentication';

type Scheme = 'NTLM' | 'Negotiate';

/** Neither NTLM nor raw NTLM inside Negotiate is taken. */
class KerberosOnly extends Error {
  override readonly name = 'KerberosOnly';
}

/** The user or the password was refused after it was sent: sending it again and again would lock the account. */
export class PasswordRefused extends Fault {
  constructor(message: string) {
    super('qlik.password_refused', message, {
      advice:
        'Check user, domain and password, and that the account is not locked; it is not tried again for half an hour, ' +
        'unless the file changes.',
    });
  }
}

/**
 * Logs a Windows user in: `jar` has the session's cookie then. NTLM belongs to one TCP connection, so all of it goes over
 * one of its own.
 *
 * @throws PasswordRefused, which must not be tried again soon; Fault `qlik.kerberos_only` where neither NTLM nor a form is to be had.
 */
export const logInWindowsUser = async (
  connection: Connection,
  login: WindowsLogin,
  dialer: Dialer,
  jar: CookieJar,
): Promise<void> => {
  if (login.method === 'forms') return await new Visit(connection, login, dialer, jar, FORM_AGENT).run();
  try {
    await new Visit(connection, login, dialer, jar, WINDOWS_AGENT).run();
  } catch (error) {
    if (!(error instanceof KerberosOnly)) throw error;
    if (login.method === 'auto') {
      try {
        return await new Visit(connection, login, dialer, jar, FORM_AGENT).run();
      } catch (again) {
        if (!(again instanceof KerberosOnly)) throw again;
      }
    }
    throw new Fault('qlik.kerberos_only', error.message);
  }
};

/** The way from a page that wants a session to the session. */
class Visit {
  readonly #connection: Connection;
  readonly #login: WindowsLogin;
  readonly #jar: CookieJar;
  readonly #agent: string;
  readonly #http: HttpRoute;
  readonly #xrfKey = xrfKey();
  /** The password was sent once in this visit. */
  #sent = false;

  constructor(connection: Connection, login: WindowsLogin, dialer: Dialer, jar: CookieJar, agent: string) {
    this.#connection = connection;
    this.#login = login;
    this.#jar = jar;
    this.#agent = agent;
    this.#http = dialer.http({ ...repositoryRoute(connection), connections: 1 });
  }

  async run(): Promise<void> {
    await using _closing = this.#http;
    const { prefix } = this.#connection;
    let path = `${prefix === '' ? '' : `/${prefix}`}/qrs/about?xrfkey=${this.#xrfKey}`;
    let reply = await this.#ask({ path });
    for (let hop = 0; hop < MAX_HOPS; hop += 1) {
      if (reply.status === 401) reply = await this.#negotiate(path, reply);
      else if (reply.status >= 300 && reply.status < 400) {
        path = this.#follow(path, reply);
        reply = path.split('?')[0]?.includes(FORM) === true ? await this.#form(path) : await this.#ask({ path });
      } else {
        const fault = refusal(reply, this.#asked(path));
        if (fault !== undefined) throw fault;
        return;
      }
    }
    throw new Fault('qlik.login_page', `${this.#at(path)}: the login goes round in circles`);
  }

  async #ask(request: HttpRequest): Promise<HttpReply> {
    const cookie = this.#jar.header();
    const reply = await this.#http.request({
      ...request,
      headers: {
        accept: 'application/json',
        'user-agent': this.#agent,
        'x-qlik-xrfkey': this.#xrfKey,
        ...(cookie === '' ? {} : { cookie }),
        ...request.headers,
      },
      headersTimeoutMs: STEP_MS,
      deadlineMs: STEP_MS * 2,
      maxBytes: MAX_PAGE_BYTES,
    });
    this.#jar.take(reply);
    return reply;
  }

  /** Where a redirect leads on this very site; the way to another host is none for a password. */
  #follow(path: string, reply: HttpReply): string {
    const location = String(reply.headers['location'] ?? '');
    const base = `${this.#connection.origin}${path}`;
    const here = new URL(base).hostname;
    const target = URL.canParse(location, base) ? new URL(location, base) : undefined;
    if (target === undefined || ![here, this.#connection.aliasHost?.toLowerCase()].includes(target.hostname)) {
      throw new Fault(
        'qlik.login_page',
        `${this.#at(path)}: redirected to ${target?.host ?? 'nowhere'}: this virtual proxy does not log in by Windows`,
        { advice: 'Name a virtual proxy with Windows authentication, or log in by JWT, ticket or certificate.' },
      );
    }
    return `${target.pathname}${target.search}`;
  }

  async #negotiate(path: string, first: HttpReply): Promise<HttpReply> {
    if (this.#sent) throw this.#refused(path, first);
    const offered = schemesOf(first);
    const scheme: Scheme | undefined = offered.includes('ntlm')
      ? 'NTLM'
      : offered.includes('negotiate')
        ? 'Negotiate'
        : undefined;
    if (scheme === undefined) {
      throw new Fault(
        'qlik.unauthorized',
        `${this.#at(path)}: HTTP 401 offers ${offered.length === 0 ? 'no way to log in' : offered.join(', ')}, not NTLM`,
        { advice: 'Name a virtual proxy with Windows authentication, or log in in another way.' },
      );
    }
    const negotiate = negotiateMessage();
    const second = await this.#send(path, scheme, negotiate);
    const token = tokenOf(second, scheme);
    if (second.status !== 401 || token === undefined || !isNtlm(token)) {
      if (second.status === 401 && scheme === 'Negotiate')
        throw new KerberosOnly(`${this.#at(path)}: Windows authentication takes Kerberos only, not NTLM`);
      throw new Fault('qlik.protocol', `${this.#at(path)}: HTTP ${second.status} in place of a challenge of NTLM`);
    }
    const { connections, certificate } = this.#http.connected();
    if (/close/i.test(String(second.headers['connection'] ?? ''))) throw this.#cut(path);
    const proof = authenticateMessage(
      negotiate,
      parseChallenge(token),
      { user: this.#login.user, domain: this.#login.domain, password: this.#login.password.reveal() },
      {
        targetName: `HTTP/${this.#connection.aliasHost ?? this.#http.peer.host}`,
        channelBinding: certificate === undefined ? undefined : channelBindingOf(certificate),
      },
    );
    this.#sent = true;
    const third = await this.#send(path, scheme, proof);
    if (third.status !== 401) return third;
    throw this.#http.connected().connections === connections ? this.#refused(path, third) : this.#cut(path);
  }

  #send(path: string, scheme: Scheme, token: Buffer): Promise<HttpReply> {
    return this.#ask({ path, headers: { authorization: `${scheme} ${token.toString('base64')}` } });
  }

  async #form(path: string): Promise<HttpReply> {
    if (this.#login.method === 'ntlm')
      throw new Fault(
        'qlik.login_page',
        `${this.#at(path)}: the virtual proxy asks by a form, and connection.auth.method allows only NTLM`,
        { advice: 'Delete connection.auth.method, or check the Windows authentication pattern of the virtual proxy.' },
      );
    await this.#ask({ path });
    if (this.#sent) throw this.#refusedByForm(path);
    this.#sent = true;
    const { user, domain, password } = this.#login;
    const named = domain === undefined || domain === '' ? undefined : typeof domain === 'string' ? domain : '.';
    const reply = await this.#ask({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        username: named === undefined ? user : `${named}\\${user}`,
        pwd: password.reveal(),
      }).toString(),
    });
    // A wrong password brings the form again.
    if (reply.status === 200 || reply.status === 401) throw this.#refusedByForm(path);
    return reply;
  }

  #refusedByForm(path: string): PasswordRefused {
    return new PasswordRefused(`${this.#at(path)}: the login form refused the user or the password`);
  }

  #refused(path: string, reply: HttpReply): PasswordRefused {
    return new PasswordRefused(
      `${this.#at(path)}: HTTP ${reply.status}, Windows refused the user or the password (or NTLM altogether, or the ` +
        'login was passed on by something between that opens TLS)',
    );
  }

  #cut(path: string): Fault {
    return new Fault(
      'network.reset',
      `${this.#at(path)}: the connection was closed in the middle of the login, and NTLM needs one that stays open`,
      { advice: 'Let proxies and load balancers between keep connections open (keep-alive, HTTP/1.1).' },
    );
  }

  #asked(path: string): Asked {
    return {
      peer: this.#http.peer,
      method: 'GET',
      path: path.split('?')[0] ?? '/',
      prefix: this.#connection.prefix,
    };
  }

  #at(path: string): string {
    const { peer } = this.#http;
    return `https://${peer.host}:${peer.port}${path.split('?')[0] ?? '/'}`;
  }
}

const challengesOf = (reply: HttpReply): readonly string[] => {
  const header = reply.headers['www-authenticate'];
  // Several in one header stand apart by commas; tokens of NTLM hold none.
  return (Array.isArray(header) ? header : [header ?? '']).flatMap((line) => line.split(',')).map((one) => one.trim());
};

/** Names of the schemes that a 401 offers, in lower case. */
const schemesOf = (reply: HttpReply): readonly string[] =>
  challengesOf(reply).flatMap((challenge) => {
    const name = /^([A-Za-z][A-Za-z0-9-]*)(?:\s|$)/.exec(challenge)?.[1];
    return name === undefined ? [] : [name.toLowerCase()];
  });

/** The token that the server sent for the scheme. */
const tokenOf = (reply: HttpReply, scheme: Scheme): Buffer | undefined => {
  for (const challenge of challengesOf(reply)) {
    const [name = '', token = ''] = challenge.split(/\s+/);
    if (name.toLowerCase() !== scheme.toLowerCase() || token === '' || token.length > MAX_TOKEN) continue;
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(token)) return Buffer.from(token, 'base64');
  }
  return undefined;
};
