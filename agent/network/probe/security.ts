import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { Fault } from '#protocol/errors.ts';
import { clockAheadMs } from '../clock.ts';
import { networkFault, type Peer, placeOf, withoutPlace } from '../faults.ts';
import { type TlsOptions, type TlsTargets, trustedAuthorities, trustInForce } from '../tls.ts';
import { readBanner } from './banner.ts';
import { commonName, day, describe, describeChain, pathOf } from './certificates.ts';
import { endsSoon, expired, notYetValid } from './dates.ts';
import { type Handshake, lenientSocket, shake, strictly } from './handshake.ts';
import { inspectorOf } from './inspectors.ts';
import { wrongHost } from './names-in-certificate.ts';
import { handshakeFault } from './refused-handshake.ts';
import { failed, passed, type StepResult } from './step.ts';
import type { ProbeSystem } from './system.ts';
import { whyUntrusted } from './untrusted.ts';
import type { Wording } from './wording.ts';

/** To ask without the proxy is a help only: many networks let nobody through. */
const DIRECT_MS = 4_000;
/** For a second try with who said nothing at the first. */
const SILENT_MS = 5_000;

export interface TlsAsked {
  readonly peer: Peer;
  /** For SNI and the check: the alias if there is one, else the host. */
  readonly name: string;
  readonly tls: TlsOptions;
  readonly targets: TlsTargets;
  /** A way to the server: a tunnel that stands, or undefined for a direct connection. */
  readonly open: () => Promise<Socket | undefined>;
  readonly system: ProbeSystem;
  readonly wording: Wording;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  /** How far this machine's clock is known to be ahead; undefined when it is not known. */
  readonly aheadMs: number | undefined;
  /** May shake hands without the proxy, too. */
  readonly pastProxy: boolean;
}

export interface TlsFound {
  readonly result: StepResult;
  /** As served, the leaf first. */
  readonly chain: readonly X509Certificate[];
  /** What would have to be trusted: only when the chain is whole but for that. */
  readonly authority: X509Certificate | undefined;
}

/**
 * TLS: the handshake as the crawl does it; when it fails, another one that takes every certificate, only to look at the
 * chain. Nothing is ever sent over either. Our client certificate is shown only to a server whose own was found good
 * before, in a handshake without ours: node checks the other end when ours has gone out already.
 * @throws the signal's reason, and what `open` throws
 */
export const probeTls = async (asked: TlsAsked): Promise<TlsFound> => {
  const { tls, wording, system, peer } = asked;
  const trust = trustLine(tls);
  let tried: Tried;
  try {
    tried = await handshake(asked, tls);
  } catch (error) {
    // A client certificate, key or authority that OpenSSL does not take.
    if (asked.signal?.aborted === true || !(error instanceof Fault) || error.code.startsWith('proxy.')) throw error;
    return { result: failed(wording.of(error), [trust]), chain: [], authority: undefined };
  }
  const { strict } = tried;
  const own = clientCertificate(tls);
  const ownLine = own === undefined ? [] : [describe(own, 'our client certificate')];
  if (strict.error !== undefined) return await explain(asked, tried, strict.error, [...ownLine, trust]);
  const [leaf] = strict.chain;
  const details = [
    ...describeChain(strict.chain),
    ...ownLine,
    trust,
    ...(tls.verifyHostName === false ? ['the host name is not checked (tls.verify_host_name = false)'] : []),
    ...(asked.name === peer.host ? [] : [`asked for the name ${asked.name}`]),
    ...(strict.alpn === '' ? [] : [`ALPN ${strict.alpn}`]),
  ];
  const note =
    (await unchecked(asked)) ??
    endsSoon(pathOf(strict.chain), own, placeOf(peer), system.nowMs()) ??
    inspected(asked, strict);
  const certificate =
    leaf === undefined ? '' : `; certificate of ${commonName(leaf.subject)}, valid until ${day(leaf.validToDate)}`;
  const seen = `${strict.protocol} (${strict.cipher})${certificate}.`;
  return { result: passed(seen, details, note), chain: strict.chain, authority: undefined };
};

/** The handshake of the crawl, as far as it may go. */
interface Tried {
  readonly strict: Handshake;
  /** How it went without our certificate; undefined when it was not shown, for want of trust or of one. */
  readonly before: Handshake | undefined;
}

const handshake = async (asked: TlsAsked, tls: TlsOptions): Promise<Tried> => {
  const { clientCertificate: ours, ...bare } = tls;
  // Whoever switched the check off shows the certificate to everybody.
  if (ours === undefined || tls.bypassCertificateValidation === true)
    return { strict: await oneHandshake(asked, tls), before: undefined };
  // A certificate or a key that is unusable is told before anything is dialled.
  asked.targets.for(asked.name, tls);
  const before = await oneHandshake(asked, bare);
  if (!before.trusted) return { strict: before, before: undefined };
  return { strict: await oneHandshake(asked, tls), before };
};

const oneHandshake = async (asked: TlsAsked, tls: TlsOptions): Promise<Handshake> => {
  const target = asked.targets.for(asked.name, tls);
  const tunnel = await asked.open();
  const socket = target.connect(asked.peer.host, asked.peer.port, tunnel);
  const judge = tls.bypassCertificateValidation === true ? undefined : strictly(asked.name, tls);
  return await shake(socket, asked.timeoutMs, asked.signal, judge);
};

const clientCertificate = ({ clientCertificate: own }: TlsOptions): X509Certificate | undefined => {
  try {
    return own === undefined ? undefined : new X509Certificate(own.certificate);
  } catch {
    return undefined;
  }
};

const trustLine = (tls: TlsOptions): string => {
  const { defaults, system, extra } = trustInForce(tls);
  const parts = [
    ...(defaults === undefined ? [] : [`${defaults} default roots`]),
    ...(system === undefined ? [] : [`${system} of the operating system`]),
    `${extra} of the settings`,
  ];
  return `trusted authorities: ${parts.join(', ')}${defaults === undefined ? ' (the default roots are replaced)' : ''}`;
};

/** What would be wrong if it were looked at. */
const unchecked = async (asked: TlsAsked): Promise<Fault | undefined> => {
  if (asked.tls.bypassCertificateValidation !== true) return undefined;
  const checked = { ...asked, tls: { ...asked.tls, bypassCertificateValidation: false } };
  const tried = await handshake(checked, checked.tls);
  const { error } = tried.strict;
  const place = placeOf(asked.peer);
  if (error === undefined)
    return new Fault('tls.unchecked', `${place}: the certificate is not checked, and would be found good`, {
      advice: 'Delete `tls.bypass_certificate_validation`: it is not needed.',
    });
  const { result } = await explain(checked, tried, error, []);
  const because = withoutPlace(result.seen);
  return asked.wording.of(
    new Fault('tls.unchecked', `${place}: the certificate is not checked; if it were: ${because}`),
  );
};

const inspected = ({ peer }: TlsAsked, { chain }: Handshake): Fault | undefined => {
  const found = inspectorOf(chain);
  return (
    found &&
    new Fault(
      'tls.intercepted',
      `${placeOf(peer)}: ${found.product} on the way reads along (issuer ${found.issuer}); its authority is trusted here`,
      { advice: 'Nothing has to be done as long as WebSockets pass; if they do not, ask to exempt this host.' },
    )
  );
};

/** What a failed handshake means, with the chain that the server shows to somebody who takes everything. */
const explain = async (
  asked: TlsAsked,
  { strict, before }: Tried,
  error: Error,
  more: readonly string[],
): Promise<TlsFound> => {
  const { peer, wording } = asked;
  const said = networkFault(error, peer);
  const silent = said.code === 'network.timeout';
  const lenient = await takeAll(asked, asked.open, silent ? Math.min(SILENT_MS, asked.timeoutMs) : asked.timeoutMs);
  const chain = lenient?.chain ?? [];
  const details = [...describeChain(chain), ...more];
  const [leaf] = chain;
  const fault = leaf === undefined ? undefined : await aboutCertificate(asked, said, leaf, chain);
  if (fault !== undefined) {
    const byTrust = said.code === 'tls.untrusted';
    return { result: failed(fault, details), chain, authority: byTrust ? pathOf(chain).at(-1) : undefined };
  }
  const banner = said.code === 'tls.failed' && chain.length === 0 ? await spokenTo(asked) : undefined;
  const own = clientCertificate(asked.tls);
  const cut = said.code === 'network.reset';
  // Cut with our certificate and not without it: then it is what the server does not like.
  const refused = cut && (strict.stood || (before !== undefined && !isCut(before, peer)));
  const nowMs = asked.system.nowMs();
  const result = failed(
    wording.of(handshakeFault({ said, error, peer, strict, lenient, own, refused, banner, wording, nowMs })),
    details,
  );
  return { result, chain, authority: undefined };
};

const aboutCertificate = async (
  asked: TlsAsked,
  said: Fault,
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
): Promise<Fault | undefined> => {
  const { tls, peer, name, wording, system } = asked;
  const place = placeOf(peer);
  switch (said.code) {
    case 'tls.untrusted':
      return whyUntrusted({
        chain: pathOf(chain),
        place,
        trusted: trustedAuthorities(tls),
        systemWould: await systemWould(asked),
        direct: peer.via !== undefined && asked.pastProxy ? await shownDirectly(asked) : undefined,
        wording,
      });
    case 'tls.expired':
    case 'tls.not_yet_valid': {
      const nowMs = system.nowMs();
      const aheadMs = asked.aheadMs ?? clockAheadMs((await spokenTo(asked))?.date, nowMs);
      const dates = { chain: pathOf(chain), place, trusted: trustedAuthorities(tls), nowMs, aheadMs };
      return said.code === 'tls.expired' ? expired(dates) : notYetValid(dates);
    }
    case 'tls.wrong_host':
      return wrongHost(leaf, name, place, wording);
    case 'tls.weak':
    case 'tls.unverifiable':
      return wording.of(said);
    default:
      return undefined;
  }
};

const systemWould = async (asked: TlsAsked): Promise<boolean> => {
  if (asked.tls.systemAuthorities === true) return false;
  const { clientCertificate: _ours, ...bare } = asked.tls;
  const { error, trusted } = await oneHandshake(asked, { ...bare, systemAuthorities: true });
  return trusted || error === undefined || networkFault(error, asked.peer).code === 'tls.wrong_host';
};

/** The handshake that takes every certificate; undefined when no way to the server was found any more. */
const takeAll = async (
  asked: TlsAsked,
  open: () => Promise<Socket | undefined>,
  timeoutMs = asked.timeoutMs,
): Promise<Handshake | undefined> => {
  try {
    const { host, port } = asked.peer;
    return await shake(lenientSocket(asked.name, { host, port, tunnel: await open() }), timeoutMs, asked.signal);
  } catch (error) {
    if (asked.signal?.aborted === true) throw error;
    return undefined;
  }
};

const isCut = ({ error }: Handshake, peer: Peer): boolean =>
  error !== undefined && networkFault(error, peer).code === 'network.reset';

const shownDirectly = async (asked: TlsAsked): Promise<X509Certificate | undefined> =>
  (await takeAll(asked, () => Promise.resolve(undefined), DIRECT_MS))?.chain[0];

const spokenTo = async (asked: TlsAsked): Promise<Awaited<ReturnType<typeof readBanner>> | undefined> => {
  try {
    const { host, port } = asked.peer;
    return await readBanner((await asked.open()) ?? asked.system.connect(host, port), asked.signal);
  } catch (error) {
    if (asked.signal?.aborted === true) throw error;
    return undefined;
  }
};
