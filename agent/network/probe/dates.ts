import { X509Certificate } from 'node:crypto';
import { Fault } from '#protocol/errors.ts';
import { aheadOrBehind, span } from '../clock.ts';
import { commonName, DAY_MS, day } from './certificates.ts';

/** Certificates that end sooner are worth a word. */
const SOON_MS = 30 * DAY_MS;
/** A clock that is wrong by less explains nothing. */
const CLOCK_MS = 10 * 60_000;

export interface DatesAsked {
  readonly chain: readonly X509Certificate[];
  readonly place: string;
  /** Authorities that are trusted, as PEM. */
  readonly trusted: readonly string[];
  readonly nowMs: number;
  /** How far this machine's clock is ahead of the server's (negative: behind); undefined when nobody said. */
  readonly aheadMs: number | undefined;
}

const clockRemark = ({ nowMs, aheadMs }: DatesAsked): string => {
  const here = `the clock of this machine says ${new Date(nowMs).toISOString().slice(0, 16)}Z`;
  if (aheadMs === undefined || Math.abs(aheadMs) < CLOCK_MS) return here;
  return `${here}, which is ${aheadOrBehind(aheadMs)} the server's`;
};

const roleOf = (index: number, certificate: X509Certificate): string =>
  index === 0
    ? `the certificate of the server (${commonName(certificate.subject)})`
    : `the certificate of the authority ${commonName(certificate.subject)}, which the server sends,`;

/** Which certificate of the chain has expired, for how long, and whether a clock is to blame. */
export const expired = (asked: DatesAsked): Fault => {
  const { chain, place, nowMs, aheadMs } = asked;
  const index = chain.findIndex(({ validToDate }) => validToDate.getTime() < nowMs);
  const certificate = chain[index];
  const ours = certificate === undefined ? expiredAuthority(asked) : undefined;
  const about = certificate ?? ours;
  if (about === undefined)
    return new Fault('tls.expired', `${place}: a certificate has expired; ${clockRemark(asked)}`);
  const what = ours === undefined ? roleOf(index, about) : `the trusted authority ${commonName(about.subject)}`;
  const ended = about.validToDate;
  const clock = aheadMs !== undefined && aheadMs >= CLOCK_MS && nowMs - aheadMs < ended.getTime();
  return new Fault(
    'tls.expired',
    `${place}: ${what} expired on ${day(ended)}, ${span(nowMs - ended.getTime())} ago; ${clockRemark(asked)}`,
    {
      advice: clock
        ? 'Set the clock of this machine (NTP): by the clock of the server the certificate is valid.'
        : ours !== undefined
          ? 'Replace that authority in the trust store by its successor.'
          : index === 0
            ? 'Renew the certificate of the server.'
            : 'Let the server send the current certificate of that authority (its certificate bundle is old).',
    },
  );
};

const expiredAuthority = ({ chain, trusted, nowMs }: DatesAsked): X509Certificate | undefined => {
  const issuers = new Set(chain.map(({ issuer }) => issuer));
  for (const pem of trusted) {
    try {
      const authority = new X509Certificate(pem);
      if (issuers.has(authority.subject) && authority.validToDate.getTime() < nowMs) return authority;
    } catch {
      // One that cannot be read decides nothing.
    }
  }
  return undefined;
};

/** Which certificate of the chain is not valid yet, and whether a clock is to blame. */
export const notYetValid = (asked: DatesAsked): Fault => {
  const { chain, place, nowMs, aheadMs } = asked;
  const index = chain.findIndex(({ validFromDate }) => validFromDate.getTime() > nowMs);
  const certificate = chain[index];
  if (certificate === undefined)
    return new Fault('tls.not_yet_valid', `${place}: a certificate is not valid yet; ${clockRemark(asked)}`);
  const begins = certificate.validFromDate;
  const clock = aheadMs !== undefined && -aheadMs >= CLOCK_MS && nowMs - aheadMs >= begins.getTime();
  return new Fault(
    'tls.not_yet_valid',
    `${place}: ${roleOf(index, certificate)} is valid from ${day(begins)} on, in ${span(begins.getTime() - nowMs)}; ${clockRemark(asked)}`,
    {
      advice: clock
        ? 'Set the clock of this machine (NTP): by the clock of the server the certificate is valid.'
        : 'Check the clock of this machine first; if it is right, the certificate was made for later.',
    },
  );
};

/** A word about what works today and will not for long: a certificate of the chain, or our own. */
export const endsSoon = (
  chain: readonly X509Certificate[],
  own: X509Certificate | undefined,
  place: string,
  nowMs: number,
): Fault | undefined => {
  const soon = (certificate: X509Certificate): boolean => certificate.validToDate.getTime() - nowMs < SOON_MS;
  const index = chain.findIndex(soon);
  const certificate = chain[index];
  if (certificate !== undefined)
    return new Fault('tls.expires_soon', `${place}: ${roleOf(index, certificate)} ${ending(certificate, nowMs)}`);
  if (own === undefined || !soon(own)) return undefined;
  return new Fault('tls.expires_soon', `${place}: our client certificate ${ending(own, nowMs)}`, {
    advice: 'Export new certificates from the QMC in time and replace the files; they are read again by themselves.',
  });
};

const ending = ({ validToDate }: X509Certificate, nowMs: number): string => {
  const leftMs = validToDate.getTime() - nowMs;
  return leftMs < 0
    ? `expired on ${day(validToDate)}, ${span(leftMs)} ago`
    : `expires on ${day(validToDate)}, in ${span(leftMs)}`;
};
