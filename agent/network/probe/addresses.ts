import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ProxyServer } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';
import { within } from '../deadline.ts';
import { networkFault, type Peer, placeOf, withoutPlace } from '../faults.ts';
import { proxyFault } from '../proxy-faults.ts';
import { failed, passed, type StepResult } from './step.ts';
import type { Address, ProbeSystem } from './system.ts';
import type { Wording } from './wording.ts';

/**
 * Who controls the name decides what is dialled, and is not always who may know what answers in this network: no more
 * addresses than an honest name needs are tried, in the order of connections, until one answers.
 */
const MAX_TRIED = 3;
const MAX_LISTED = 8;
/** For one of several: the verdict is that of the whole, so that its lateness needs no patience. */
const ONE_MS = 5_000;

export interface AddressesAsked {
  readonly peer: Peer;
  readonly proxy: ProxyServer | undefined;
  readonly addresses: readonly Address[];
  readonly system: ProbeSystem;
  readonly wording: Wording;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

interface Connected {
  readonly from: string;
  readonly to: string;
  readonly tookMs: number;
}

/** Connects and closes at once: nothing is sent. @throws what the system says, a timeout, or the signal's reason */
const reach = async (asked: AddressesAsked, host: string, port: number, timeoutMs: number): Promise<Connected> => {
  const { system, signal } = asked;
  const startMs = system.nowMs();
  const socket: Socket = system.connect(host, port);
  // A late error has nobody to tell.
  socket.on('error', () => undefined);
  try {
    const late = (): Error => Object.assign(new Error(`nothing was heard for ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    await within(once(socket, 'connect'), timeoutMs, late, signal);
    return {
      from: socket.localAddress ?? '?',
      to: socket.remoteAddress ?? host,
      tookMs: Math.max(0, Math.round(system.nowMs() - startMs)),
    };
  } finally {
    socket.destroy();
  }
};

/** In the words of a line of details. */
const briefly = (error: unknown, peer: Peer): string => {
  const { code, message } = networkFault(error, peer);
  if (code === 'network.timeout') return 'no answer (packets are dropped)';
  if (code === 'network.refused') return 'refused';
  return withoutPlace(message);
};

/** As node dials them: the families take turns, that of the first address begins. */
const inTurns = (addresses: readonly Address[]): readonly Address[] => {
  const family = addresses[0]?.family;
  const first = addresses.filter((address) => address.family === family);
  const second = addresses.filter((address) => address.family !== family);
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
};

/**
 * TCP: connects to the host that this machine dials (the proxy's when there is one) by the addresses that its name was
 * found to have, one after the other as the crawl does; the first that answers ends it.
 * @throws the signal's reason
 */
export const probeAddresses = async (asked: AddressesAsked): Promise<StepResult> => {
  const { peer, proxy, signal } = asked;
  const host = proxy?.hostname ?? peer.host;
  const port = proxy?.port ?? peer.port;
  const all = inTurns(asked.addresses);
  const several = all.length > 1;
  const timeoutMs = several ? Math.min(ONE_MS, asked.timeoutMs) : asked.timeoutMs;
  const details: string[] = [];
  let dead: unknown;
  let reached: Connected | undefined;
  let tried = 0;
  for (const { address } of all.slice(0, MAX_TRIED)) {
    tried += 1;
    try {
      reached = await reach(asked, address, port, timeoutMs);
      details.push(`${address}: connected from ${reached.from} (${reached.tookMs} ms)`);
      break;
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      dead ??= error;
      details.push(`${address}: ${briefly(error, { host: address, port })}`);
    }
  }
  const rest = all.slice(tried).map(({ address }) => address);
  if (rest.length > 0)
    details.push(
      `not tried: ${rest.slice(0, MAX_LISTED).join(', ')}${rest.length > MAX_LISTED ? ` and ${rest.length - MAX_LISTED} more` : ''}`,
    );
  const shown = several ? details : [];
  if (reached === undefined) return failed(addressFault(asked, dead), shown);
  const { from, to, tookMs } = reached;
  const whose = proxy === undefined ? '' : ' (the proxy)';
  const note =
    dead === undefined
      ? undefined
      : asked.wording.of(
          new Fault(
            networkFault(dead, { host, port }).code,
            `${placeOf({ host, port })}: not every address answers (${details[0] ?? ''})`,
            { advice: 'Let DNS name only addresses that answer: each of the others costs time at every connection.' },
          ),
        );
  return passed(`Connected to ${to} port ${port}${whose} from ${from} (${tookMs} ms).`, shown, note);
};

const addressFault = (asked: AddressesAsked, error: unknown): Fault => {
  const { peer, proxy, addresses, wording } = asked;
  if (proxy !== undefined) {
    const fault = proxyFault(proxy, error);
    return new Fault(fault.code, fault.message, {
      cause: error,
      advice: `Check host and port of the proxy (${proxy.from}), and that a firewall lets this machine through.`,
    });
  }
  const fault = networkFault(error, peer);
  const onlySix = addresses.length > 0 && addresses.every(({ family }) => family === 6);
  if (fault.code === 'network.unreachable' && onlySix)
    return new Fault(fault.code, `${fault.message}; the name has IPv6 addresses only`, {
      cause: error,
      advice: 'Ask for an IPv4 address (an A record) of the server, or for IPv6 on this machine.',
    });
  return wording.of(fault);
};
