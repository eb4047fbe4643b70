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

/** More addresses than this are not tried one by one. */
const MAX_TRIED = 8;
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

/**
 * TCP: connects to the host that this machine dials (the proxy's when there is one) as the crawl does, and, where it has
 * several addresses, to each of them.
 * @throws the signal's reason
 */
export const probeAddresses = async (asked: AddressesAsked): Promise<StepResult> => {
  const { peer, proxy, addresses, signal } = asked;
  const host = proxy?.hostname ?? peer.host;
  const port = proxy?.port ?? peer.port;
  const each = addresses.length > 1 ? addresses.slice(0, MAX_TRIED) : [];
  const [dial, ...tries] = await Promise.allSettled([
    reach(asked, host, port, asked.timeoutMs),
    ...each.map(({ address }) => reach(asked, address, port, Math.min(ONE_MS, asked.timeoutMs))),
  ]);
  if (signal?.aborted === true) throw signal.reason;
  const details = tries.map((tried, index) => {
    const address = each[index]?.address ?? '';
    const what =
      tried.status === 'fulfilled'
        ? `connected from ${tried.value.from} (${tried.value.tookMs} ms)`
        : briefly(tried.reason, { host: address, port });
    return `${address}: ${what}`;
  });
  if (dial.status === 'rejected') return failed(addressFault(asked, dial.reason), details);
  const { from, to, tookMs } = dial.value;
  const whose = proxy === undefined ? '' : ' (the proxy)';
  const dead = tries.flatMap((tried, index) => (tried.status === 'rejected' ? [{ tried, index }] : []))[0];
  const note =
    dead === undefined
      ? undefined
      : asked.wording.of(
          new Fault(
            networkFault(dead.tried.reason, { host, port }).code,
            `${placeOf({ host, port })}: not every address answers (${details[dead.index]})`,
            { advice: 'Let DNS name only addresses that answer: each of the others costs time at every connection.' },
          ),
        );
  return passed(`Connected to ${to} port ${port}${whose} from ${from} (${tookMs} ms).`, details, note);
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
