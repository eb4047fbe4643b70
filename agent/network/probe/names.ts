import { isIP } from 'node:net';
import type { ProxyServer } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';
import { within } from '../deadline.ts';
import { networkFault, type Peer, placeOf } from '../faults.ts';
import { proxyFault } from '../proxy-faults.ts';
import { failed, passed, type StepResult, skipped } from './step.ts';
import type { Address, ProbeSystem } from './system.ts';
import type { Wording } from './wording.ts';

const MAX_LISTED = 12;

/** The lines of a hosts file that name `host`, as addresses. */
const inHostsFile = (text: string, host: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return names.some((name) => name.toLowerCase() === host.toLowerCase()) ? [address] : [];
  });

const quickly = (startMs: number, nowMs: number): string => `${Math.max(0, Math.round(nowMs - startMs))} ms`;

export interface NamesFound {
  readonly result: StepResult;
  /** What there is to dial; empty when the step failed. */
  readonly addresses: readonly Address[];
}

export interface NamesAsked {
  readonly peer: Peer;
  readonly proxy: ProxyServer | undefined;
  readonly system: ProbeSystem;
  readonly wording: Wording;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * DNS: resolves the host that this machine dials, which is the proxy's when there is one.
 * @throws the signal's reason
 */
export const probeNames = async (asked: NamesAsked): Promise<NamesFound> => {
  const { peer, proxy, system, signal, timeoutMs } = asked;
  const host = proxy?.hostname ?? peer.host;
  const byProxy = proxy === undefined ? [] : [`${peer.host} is resolved by the proxy, not by this machine`];
  const family = isIP(host);
  if (family !== 0) {
    const seen = `${host} is an address: there is no name to look up.`;
    return { result: { ...skipped(seen), details: byProxy }, addresses: [{ address: host, family }] };
  }
  const hosts = inHostsFile(
    await within(system.hostsFile(), timeoutMs, () => new Error('late'), signal).catch(noHosts(signal)),
    host,
  );
  const startMs = system.nowMs();
  let addresses: readonly Address[];
  try {
    addresses = await within(
      system.lookup(host),
      timeoutMs,
      () =>
        new Fault(
          'network.dns_unavailable',
          `${placeOf(dialled(asked))}: the name was not resolved in ${timeoutMs} ms`,
        ),
      signal,
    );
    if (addresses.length === 0) throw Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    return { result: failed(nameFault(asked, error), byProxy), addresses: [] };
  }
  const took = quickly(startMs, system.nowMs());
  const shown = addresses.slice(0, MAX_LISTED).map(({ address }) => address);
  const more = addresses.length > shown.length ? ` and ${addresses.length - shown.length} more` : '';
  const whose = proxy === undefined ? host : `${host} (the proxy)`;
  const details = [...byProxy, ...(await remarks(asked, host, hosts, addresses))];
  return { result: passed(`${whose} is ${shown.join(', ')}${more} (${took}).`, details), addresses };
};

const noHosts =
  (signal: AbortSignal | undefined) =>
  (error: unknown): string => {
    if (signal?.aborted === true) throw error;
    return '';
  };

/** What this machine dials: the proxy, or the server. */
const dialled = ({ peer, proxy }: NamesAsked): Peer =>
  proxy === undefined ? peer : { host: proxy.hostname, port: proxy.port };

const nameFault = (asked: NamesAsked, error: unknown): Fault => {
  const { peer, proxy, wording } = asked;
  const host = proxy?.hostname ?? peer.host;
  if (proxy !== undefined) {
    const { code, message } = proxyFault(proxy, error);
    const { code: kind, advice } = networkFault(error, { host, port: proxy.port });
    return new Fault(code, message, {
      cause: error,
      advice: kind === 'network.dns' ? `Check the name of the proxy in \`${proxy.from}\`.` : advice,
    });
  }
  const seen = networkFault(error, peer);
  if (seen.code !== 'network.dns') return wording.of(seen);
  return new Fault('network.dns', seen.message, {
    cause: error,
    advice: host.includes('.')
      ? `Check the host name in \`${wording.address}\`: DNS answers, and does not know it. A name of an internal network needs that network's DNS server (or VPN), or a proxy that resolves it.`
      : `Write the full name (such as ${host}.example.com) in \`${wording.address}\`: without a dot it is only found with the search domains of this machine.`,
  });
};

/** What works and may still explain something later. */
const remarks = async (
  asked: NamesAsked,
  host: string,
  hosts: readonly string[],
  addresses: readonly Address[],
): Promise<string[]> => {
  const { system, signal, proxy } = asked;
  const lines: string[] = [];
  if (hosts.length > 0)
    lines.push(`${host} stands in the hosts file of this machine (${hosts.slice(0, 4).join(', ')})`);
  const six = addresses.filter(({ family }) => family === 6).length;
  if (six === addresses.length) lines.push('there are IPv6 addresses only');
  const nowhere = addresses.find(({ address }) => address === '0.0.0.0' || address === '::');
  if (nowhere !== undefined)
    lines.push(`${nowhere.address} is no place: a DNS filter answers like this to block a name`);
  else if (!isLocal(host) && addresses.every(({ address }) => /^127\.|^::1$/.test(address)))
    lines.push('the name leads to this machine itself');
  if (!host.includes('.') && !isLocal(host) && hosts.length === 0) {
    // With a dot at the end no search domain is tried.
    const alone = await within(system.lookup(`${host}.`), asked.timeoutMs, () => new Error('late'), signal).then(
      (found) => found.length > 0,
      () => false,
    );
    if (signal?.aborted === true) throw signal.reason;
    if (!alone)
      lines.push(
        `${host} is found only with a search domain of this machine: write the full name in \`${proxy?.from ?? asked.wording.address}\` to be independent of it`,
      );
  }
  return lines;
};

const isLocal = (host: string): boolean => /^(?:localhost|.+\.localhost)$/i.test(host);
