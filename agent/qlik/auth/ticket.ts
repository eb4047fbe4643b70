import type { Dialer } from '#agent/network/dialer.ts';
import type { Connection, TicketLogin } from '#config/connection/connection.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';
import { Fault } from '#protocol/errors.ts';
import { proxyServiceRoute, xrfKey } from './credentials.ts';
import { Answered, type Asked, jsonOf, refusal } from './verdict.ts';

const TICKET_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TICKET = 512;

/**
 * A ticket for the connection's user, from the proxy service's own API (ProxyServiceAPI, `POST /qps/{prefix}/ticket`).
 * It is good for one minute and for one use.
 */
export const requestTicket = async (connection: Connection, login: TicketLogin, dialer: Dialer): Promise<string> => {
  const { prefix } = connection;
  const path = `/qps/${prefix === '' ? '' : `${prefix}/`}ticket`;
  const key = xrfKey();
  await using http = dialer.http({ ...proxyServiceRoute(connection, login), connections: 1 });
  const reply = await http.request({
    method: 'POST',
    path: `${path}?xrfkey=${key}`,
    headers: { accept: 'application/json', 'content-type': 'application/json', 'x-qlik-xrfkey': key },
    body: JSON.stringify({ UserDirectory: login.userDirectory, UserId: login.userId, Attributes: [] }),
    headersTimeoutMs: TICKET_MS,
    deadlineMs: TICKET_MS * 2,
    maxBytes: MAX_ANSWER_BYTES,
  });
  const asked: Asked = { peer: http.peer, method: 'POST', path, prefix: undefined };
  const at = `POST https://${http.peer.host}:${http.peer.port}${path}`;
  if (reply.status === 401 || reply.status === 403)
    throw new Fault('qlik.ticket_refused', `${at}: HTTP ${reply.status}, the proxy service gives no ticket`, {
      cause: new Answered(reply),
    });
  if (reply.status === 404)
    throw new Fault(
      'qlik.ticket_prefix_unknown',
      `${at}: HTTP 404, the proxy service knows no virtual proxy "${prefix}"`,
    );
  const fault = refusal(reply, asked);
  if (fault !== undefined) throw fault;
  const answer = jsonOf(reply, asked);
  const ticket = typeof answer === 'object' && answer !== null && 'Ticket' in answer ? answer.Ticket : undefined;
  if (typeof ticket !== 'string' || ticket === '' || ticket.length > MAX_TICKET)
    throw new Fault('qlik.protocol', `${at}: the answer holds no ticket`);
  knownSecrets.add(ticket);
  return ticket;
};
