import type { X509Certificate } from 'node:crypto';
import type { ProxyServer } from '#config/proxy.ts';
import type { Fault } from '#protocol/errors.ts';
import { networkFault, placeOf } from '../faults.ts';
import { describeChain, pathOf } from './certificates.ts';
import { lenientSocket, shake } from './handshake.ts';
import { failed, type StepResult } from './step.ts';

export interface ProxyFound {
  readonly result: StepResult;
  readonly chain: readonly X509Certificate[];
  readonly authority: X509Certificate | undefined;
  readonly shownBy: string;
}

/**
 * What an `https` proxy shows for itself, when TLS to it failed with `fault`: a handshake that takes every certificate, on
 * which nothing is sent.
 * @throws the signal's reason
 */
export const aboutProxy = async (
  { hostname, port }: ProxyServer,
  fault: Fault,
  { signal, timeoutMs }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<ProxyFound> => {
  const peer = { host: hostname, port };
  const socket = lenientSocket(hostname, { ...peer, tunnel: undefined });
  const { chain } = await shake(socket, timeoutMs, signal);
  const byTrust = networkFault(fault.cause, peer).code === 'tls.untrusted';
  const details = describeChain(chain).map((line) => line.replace(/^(server|names of the server):/, 'proxy, $1:'));
  return {
    result: failed(fault, details),
    chain,
    authority: byTrust ? pathOf(chain).at(-1) : undefined,
    shownBy: `${placeOf(peer)}, the proxy`,
  };
};
