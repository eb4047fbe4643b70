/**
 * Windows authentication: a client whose User-Agent holds the pattern is sent through NTLM, which belongs to one TCP
 * connection; any other one to a form. Either way ends with a ticket for what was asked first.
 */
import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FaultSettings } from '../faults.ts';
import type { UserName } from '../model/types.ts';
import { emptyReply, htmlReply, type Reply } from '../reply.ts';
import type { Authenticator, PageAsked } from './authenticator.ts';
import type { Account, NtlmAcceptor } from './ntlm-acceptor.ts';
import { loginPage } from './pages.ts';
import type { Tickets } from './tickets.ts';

export interface WindowsSettings {
  /** "Windows authentication pattern" of the virtual proxy, looked for in the User-Agent. Default `Windows`. */
  readonly pattern?: string;
  /**
   * What the 401 offers: Windows offers `Negotiate` and `NTLM`; `kerberos` offers Negotiate and refuses NTLM inside.
   */
  readonly offers?: 'both' | 'ntlm' | 'negotiate' | 'kerberos';
  /** Other clients get a form; false: everyone goes through Windows authentication. Default true. */
  readonly forms?: boolean;
  /** Extended protection: a login that is not bound to its TLS connection is refused. Default false. */
  readonly demandsBinding?: boolean;
  /** Who there is besides the ready-made user. */
  readonly accounts?: readonly Account[];
}

/** A login that was tried. */
export interface WindowsLogin {
  readonly way: 'NTLM' | 'Negotiate' | 'form';
  readonly user: string | null;
  readonly bound: boolean;
  readonly reason: string | null;
}

interface Parts {
  readonly prefix: string;
  readonly tickets: Tickets;
  readonly acceptor: NtlmAcceptor;
  readonly accounts: readonly Account[];
  /** What the TLS server shows: logins can be bound to it. */
  readonly certificatePem: string;
  readonly logins: WindowsLogin[];
  /** Of every account, now. */
  readonly state: () => FaultSettings['windowsAccounts'];
}

const MAX_TARGETS = 1_000;
const NTLM_START = Buffer.from('NTLMSSP\0');

/** `tls-server-end-point` of the first certificate; all of the simulator's are signed with SHA-256. */
const bindingOf = (certificatePem: string): Buffer =>
  Buffer.concat([
    Buffer.from('tls-server-end-point:'),
    createHash('sha256').update(new X509Certificate(certificatePem).raw).digest(),
  ]);

const userOf = (name: string): UserName => {
  const [directory = '', ...rest] = name.split('\\');
  return { directory, id: rest.join('\\') };
};

class WindowsAuthenticator implements Authenticator {
  readonly method = 'windows';
  readonly #settings: WindowsSettings;
  readonly #parts: Parts;
  readonly #binding: Buffer;
  /** What was asked before the login, by `targetId`. */
  readonly #targets = new Map<string, string>();
  readonly #connections = new WeakMap<Socket, { readonly id: string; user: UserName | null }>();

  constructor(settings: WindowsSettings, parts: Parts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#binding = bindingOf(parts.certificatePem);
  }

  /** Only a ticket lets anybody in, and the proxy takes it before it asks here. */
  authenticate(): { readonly kind: 'none' } {
    return { kind: 'none' };
  }

  loginPath(request: IncomingMessage, target: string): string {
    const id = randomUUID();
    this.#targets.set(id, target);
    if (this.#targets.size > MAX_TARGETS) {
      const [oldest] = this.#targets.keys();
      this.#targets.delete(oldest ?? '');
    }
    const windows = (request.headers['user-agent'] ?? '').includes(this.#settings.pattern ?? 'Windows');
    const way = windows || this.#settings.forms === false ? 'windows' : 'forms';
    return `/internal_${way}_authentication/?targetId=${id}`;
  }

  page(asked: PageAsked): Promise<Reply> | null {
    const { path } = asked;
    if (/^\/internal_windows_authentication\/?$/.test(path)) return this.#negotiate(asked);
    if (/^\/internal_forms_authentication\/?$/.test(path)) return Promise.resolve(this.#form(asked));
    return null;
  }

  #letIn(user: UserName, { query }: PageAsked): Reply {
    const target = this.#targets.get(query.get('targetId') ?? '');
    if (target === undefined) return htmlReply(400, 'Error 400 - Bad request', 'The login request is unknown.');
    const ticket = this.#parts.tickets.issue(user, this.#parts.prefix);
    return emptyReply(302, { Location: `${target}${target.includes('?') ? '&' : '?'}qlikTicket=${ticket}` });
  }

  #offer(): Reply {
    const { offers = 'both' } = this.#settings;
    const schemes = offers === 'both' ? ['Negotiate', 'NTLM'] : [offers === 'ntlm' ? 'NTLM' : 'Negotiate'];
    return { ...htmlReply(401, 'Error 401 - Unauthorized', 'Log in.'), headers: { 'WWW-Authenticate': schemes } };
  }

  async #negotiate(asked: PageAsked): Promise<Reply> {
    const { request } = asked;
    const { socket } = request;
    let connection = this.#connections.get(socket);
    if (connection === undefined) {
      const id = randomUUID();
      connection = { id, user: null };
      this.#connections.set(socket, connection);
      socket.once('close', () => this.#parts.acceptor.end(id));
    }
    const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    if (token === '') return connection.user === null ? this.#offer() : this.#letIn(connection.user, asked);
    const { offers = 'both' } = this.#settings;
    const way = /^ntlm$/i.test(scheme) ? 'NTLM' : 'Negotiate';
    const raw = Buffer.from(token, 'base64').subarray(0, NTLM_START.length).equals(NTLM_START);
    const taken = offers === 'both' || (way === 'NTLM' ? offers === 'ntlm' : offers === 'negotiate');
    connection.user = null;
    if (!taken || !raw) return this.#refuse(way, 'not offered');
    const binding = socket instanceof TLSSocket ? this.#binding : null;
    const answer = await this.#parts.acceptor.accept(connection.id, token, binding);
    switch (answer.state) {
      case 'continue':
        return emptyReply(401, { 'WWW-Authenticate': `${way} ${answer.token}` });
      case 'refused':
        return this.#refuse(way, answer.reason);
      case 'done':
        if (this.#parts.state() !== 'good') return this.#refuse(way, `the account is ${this.#parts.state()}`);
        if (this.#settings.demandsBinding === true && !answer.bound) return this.#refuse(way, 'not bound');
        this.#parts.logins.push({ way, user: answer.user, bound: answer.bound, reason: null });
        connection.user = userOf(answer.user);
        return this.#letIn(connection.user, asked);
      default:
        return answer satisfies never;
    }
  }

  #refuse(way: WindowsLogin['way'], reason: string): Reply {
    this.#parts.logins.push({ way, user: null, bound: false, reason });
    return this.#offer();
  }

  #form(asked: PageAsked): Reply {
    const { request, body } = asked;
    if (request.method !== 'POST') return loginPage(request.url ?? '');
    const fields = new URLSearchParams(body);
    const name = fields.get('username') ?? '';
    // Windows does not mind the case of a domain or a user.
    const account = this.#parts.accounts.find(
      ({ directory, id }) => `${directory}\\${id}`.toLowerCase() === name.toLowerCase(),
    );
    const known = account !== undefined && account.password === fields.get('pwd');
    const state = this.#parts.state();
    const good = known && state === 'good';
    const refusal = known ? `the account is ${state}` : 'the user name or password is incorrect';
    const reason = good ? null : refusal;
    this.#parts.logins.push({ way: 'form', user: good ? name : null, bound: false, reason });
    return good ? this.#letIn({ directory: account.directory, id: account.id }, asked) : loginPage(request.url ?? '');
  }
}

export const windowsAuthenticator = (settings: WindowsSettings, parts: Parts): Authenticator =>
  new WindowsAuthenticator(settings, parts);
