import { aheadOrBehind, clockAheadMs } from '#agent/network/clock.ts';
import type { HttpReply } from '#agent/network/dialer.ts';
import { originOfPeer, type Peer } from '#agent/network/faults.ts';
import { Fault } from '#protocol/errors.ts';

/** What was asked, for messages: never with query or headers, which hold keys and tokens. */
export interface Asked {
  readonly peer: Peer;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Virtual proxy prefix; undefined on the direct route. */
  readonly prefix: string | undefined;
}

/** The cause of a {@link Fault} that an answer led to: the answer itself, for whoever looks closer. */
export class Answered extends Error {
  override readonly name = 'Answered';
  readonly reply: HttpReply;

  constructor(reply: HttpReply) {
    super(`HTTP ${reply.status}`);
    this.reply = reply;
  }
}

/** The answer that led to this fault, if one did. */
export const answerOf = (fault: Fault): HttpReply | undefined =>
  fault.cause instanceof Answered ? fault.cause.reply : undefined;

/** True for an answer that is a page for people. */
export const isHtml = (reply: HttpReply): boolean =>
  reply.mediaType === 'text/html' || reply.mediaType === 'application/xhtml+xml';

const through = ({ prefix }: Asked): string =>
  prefix === undefined ? '' : prefix === '' ? ' (no virtual proxy prefix)' : ` (virtual proxy prefix "${prefix}")`;

const where = ({ peer, method, path }: Asked): string => `${method} ${originOfPeer(peer)}${path}`;

/** Tokens are good for minutes: clocks that are further apart than one are worth a word. */
const clocksApart = ({ headers }: HttpReply): string => {
  const aheadMs = clockAheadMs(String(headers['date'] ?? ''), Date.now());
  return aheadMs === undefined || Math.abs(aheadMs) <= 60_000
    ? ''
    : `; the clock of this machine is ${aheadOrBehind(aheadMs)} its clock`;
};

/**
 * The reason why an answer is none, or undefined when it is one (2xx that is not a page). 404 is an answer too when
 * `missingIsAnswer`: then the caller knows what is missing.
 */
export const refusal = (reply: HttpReply, asked: Asked, missingIsAnswer = false): Fault | undefined => {
  const at = where(asked);
  const cause = new Answered(reply);
  const { status } = reply;
  if (status >= 300 && status < 400) {
    const location = String(reply.headers['location'] ?? '')
      .split(/[?#]/)[0]
      ?.slice(0, 300);
    return new Fault(
      'qlik.login_page',
      `${at}: redirected (HTTP ${status}) to ${location === '' ? 'nowhere' : location}${through(asked)}`,
      { cause },
    );
  }
  if (status >= 200 && status < 300) {
    if (!isHtml(reply)) return undefined;
    return new Fault('qlik.login_page', `${at}: answered with a page of HTML instead of data${through(asked)}`, {
      cause,
    });
  }
  switch (status) {
    case 401:
      return new Fault(
        'qlik.unauthorized',
        `${at}: HTTP 401, the server does not accept the credentials${clocksApart(reply)}`,
        { cause },
      );
    case 403:
      return new Fault('qlik.forbidden', `${at}: HTTP 403, the user may not do this`, { cause });
    case 400:
      // The proxy's answer when the virtual proxy of the prefix is not linked to the node that was called, and when the
      // name by which it was called is not one that it allows.
      if (asked.prefix !== undefined && isHtml(reply)) {
        return new Fault(
          'qlik.prefix_unknown',
          `${at}: HTTP 400 with a page: no virtual proxy with the prefix "${asked.prefix}" is linked to this proxy, or ` +
            'the host is not in its Host allow list',
          {
            cause,
            advice:
              'Check in the QMC: the prefix, the proxies that the virtual proxy is linked to, its Host allow list.',
          },
        );
      }
      return new Fault('qlik.protocol', `${at}: HTTP 400, the server refused the request`, { cause });
    case 404:
      if (missingIsAnswer && !isHtml(reply)) return undefined;
      return asked.prefix === undefined
        ? new Fault('qlik.protocol', `${at}: HTTP 404, there is no such call on this server`, { cause })
        : new Fault('qlik.prefix_unknown', `${at}: HTTP 404, the prefix "${asked.prefix}" leads nowhere`, { cause });
    case 429:
    case 503:
      return new Fault('qlik.unavailable', `${at}: HTTP ${status}, the server is busy or starting`, { cause });
    default:
      return status >= 500
        ? new Fault('qlik.unavailable', `${at}: HTTP ${status}, the server failed`, { cause })
        : new Fault('qlik.protocol', `${at}: HTTP ${status}`, { cause });
  }
};

/** The JSON of an answer that {@link refusal} found good. */
export const jsonOf = (reply: HttpReply, asked: Asked): unknown => {
  try {
    return JSON.parse(reply.body.toString('utf8'));
  } catch (error) {
    const what = reply.body.length === 0 ? 'empty' : 'not JSON, or breaks off';
    throw new Fault('qlik.protocol', `${where(asked)}: the answer is ${what}`, { cause: error });
  }
};
