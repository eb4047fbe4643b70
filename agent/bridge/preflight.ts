import { randomUUID } from 'node:crypto';
import { aheadOrBehind, clockAheadMs } from '#agent/network/clock.ts';
import { type Dialer, opened, UpgradeRefused } from '#agent/network/dialer.ts';
import { probeRoute, type RouteProbe } from '#agent/network/probe/route.ts';
import { failed, type ProbeStep, passed, type StepResult, skipped } from '#agent/network/probe/step.ts';
import type { ProbeSystem } from '#agent/network/probe/system.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import type { TransportMode } from '#config/settings.ts';
import { LIMITS, SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import { readToAgent } from '#protocol/control.ts';
import { Fault } from '#protocol/errors.ts';
import type { ToAgent } from '#protocol/messages.ts';
import { type GatewayAddress, gatewayAddress } from './gateway-address.ts';
import { loadIdentity } from './identity.ts';
import { lockHolder } from './state-lock.ts';
import { pollingTransport } from './transport-polling.ts';
import { linkFault, silent, upgradeEvidence, upgradeFault } from './upgrade-faults.ts';

/** A step of the way to the catalog: those of every route, then the link itself. */
export type LinkStep = Omit<ProbeStep, 'name'> & { readonly name: ProbeStep['name'] | 'upgrade' | 'enrolment' };

export interface LinkProbe extends Omit<RouteProbe, 'steps'> {
  /** All six, in order. `enrolment` is looked at even when the catalog cannot be reached. */
  readonly steps: readonly LinkStep[];
}

export interface LinkProbeOptions {
  readonly dialer: Dialer;
  /** `gateway.url` of the agent's settings. */
  readonly gatewayUrl: string;
  readonly tls?: TlsOptions | undefined;
  readonly proxy: ProxyChoice | undefined;
  /** `gateway.transport`. Default `auto`. */
  readonly transport?: TransportMode | undefined;
  readonly stateFolder: string;
  /** Called with each step as soon as it is known. */
  readonly onStep?: (step: LinkStep) => void;
  readonly signal?: AbortSignal | undefined;
  /** For TCP, the proxy's answer, TLS, the upgrade and the first message, each. Default 15 s (10 s for the message). */
  readonly timeoutMs?: number;
  /** As for {@link probeRoute}. */
  readonly pastProxy?: boolean;
  readonly system?: ProbeSystem;
}

/** Clocks that are this far apart are told of. */
const CLOCK_MS = 2 * 60_000;

type Hello = Extract<ToAgent, { type: 'hello' }>;

/** Faults that speak against WebSockets, not against the gateway. */
const against = new WeakSet<Fault>();
const speaksAgainst = (fault: Fault): boolean => against.has(fault);

/**
 * Walks the way of the agent's link to the catalog: DNS, TCP, proxy, TLS, the WebSocket upgrade up to the gateway's first
 * message, and the identity in the state folder. It never authenticates: that would end the session of an agent that
 * runs. So it cannot tell whether the catalog still knows the identity; the agent's log does.
 * @throws Fault `config.invalid` for an address that may not be used; the signal's reason
 */
export const probeLink = async (options: LinkProbeOptions): Promise<LinkProbe> => {
  const { gatewayUrl, signal, onStep, timeoutMs, system } = options;
  const address = gatewayAddress(gatewayUrl);
  const route = await probeRoute(
    { origin: address.origin, tls: options.tls, proxy: options.proxy },
    {
      speaks: 'link',
      signal,
      ...(onStep === undefined ? {} : { onStep }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(system === undefined ? {} : { system }),
      pastProxy: options.pastProxy === true,
    },
  );
  const steps: LinkStep[] = [...route.steps];
  const step = async (name: 'upgrade' | 'enrolment', work: () => Promise<StepResult>): Promise<void> => {
    const startMs = performance.now();
    let result: StepResult;
    try {
      result = await work();
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!(error instanceof Fault)) throw error;
      result = failed(error);
    }
    const done = { name, ...result, durationMs: Math.round(performance.now() - startMs) };
    steps.push(done);
    onStep?.(done);
  };
  const broken = route.steps.find(({ status }) => status === 'fail');
  let hello: Hello | undefined;
  await step('upgrade', async () => {
    if (broken !== undefined) return skipped(`Not tried: ${broken.name} failed.`);
    const greeting = await greetAnyhow(options, address);
    hello = greeting.hello;
    return greeted(greeting, address, (system?.nowMs ?? Date.now)());
  });
  await step('enrolment', () => enrolment(options, address, hello));
  return { ...route, steps };
};

interface Greeting {
  readonly hello: Hello;
  /** Why it came by long polling; undefined when it came by WebSocket. */
  readonly instead?: Fault | 'asked';
}

/** As the agent does: by WebSocket, or by long polling where that does not pass. @throws Fault, or the signal's reason */
const greetAnyhow = async (options: LinkProbeOptions, address: GatewayAddress): Promise<Greeting> => {
  const { transport = 'auto', signal } = options;
  if (transport === 'polling') return { hello: await greetByPolling(options, address), instead: 'asked' };
  try {
    return { hello: await greet(options, address) };
  } catch (error) {
    if (signal?.aborted === true || transport !== 'auto' || !(error instanceof Fault) || !speaksAgainst(error))
      throw error;
    const hello = await greetByPolling(options, address).catch((other: unknown) => {
      if (signal?.aborted === true) throw other;
      // Neither passes: what became of the first is what has to be mended.
      throw error;
    });
    return { hello, instead: error };
  }
};

/** Asks for a session of long polling, hears the gateway's first message, and leaves. @throws Fault, or the signal's reason */
const greetByPolling = (options: LinkProbeOptions, address: GatewayAddress): Promise<Hello> =>
  new Promise((resolve, reject) => {
    const { dialer, tls, proxy, signal } = options;
    const waitMs = options.timeoutMs ?? TIMES.connectMs;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      connection.close(1000, 'only a look');
      settle();
    };
    const fail = (error: unknown): void => end(() => reject(error));
    const onAbort = (): void => fail(signal?.reason);
    const timer = setTimeout(() => fail(linkFault('blocked', address, `no message came in ${waitMs} ms`)), waitMs);
    const nothing = (): void => undefined;
    const connection = pollingTransport({ dialer, address, tls, proxy }).connect({
      opened: nothing,
      activity: nothing,
      binary: nothing,
      text: (text) =>
        end(() => {
          try {
            resolve(readHello(text, address));
          } catch (error) {
            reject(error);
          }
        }),
      closed: (code) => fail(linkFault('refused', address, `it closed the link at once (${code})`)),
      failed: fail,
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });

/** Opens the WebSocket, waits for the gateway's first message and closes. @throws Fault, or the signal's reason */
const greet = async (options: LinkProbeOptions, address: GatewayAddress): Promise<Hello> => {
  const { dialer, tls, proxy, signal } = options;
  const socket = dialer.webSocket(address.link, {
    protocols: [SUBPROTOCOL],
    tls,
    proxy,
    handshakeTimeoutMs: options.timeoutMs ?? TIMES.connectMs,
    maxPayloadBytes: LIMITS.dataBytes,
    signal,
  });
  const helloMs = Math.min(options.timeoutMs ?? TIMES.helloMs, TIMES.helloMs);
  const first = new Promise<string>((resolve, reject) => {
    socket.once('message', (data, isBinary) =>
      isBinary ? reject(linkFault('refused', address, 'its first message is binary')) : resolve(String(data)),
    );
    socket.once('close', (code: number) =>
      reject(signal?.reason ?? linkFault('refused', address, `it closed the link at once (${code})`)),
    );
  });
  // Whether anybody waits for it is decided below.
  first.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  try {
    await opened(socket).catch((error: unknown) => {
      if (signal?.aborted === true) throw signal.reason;
      const fault = error instanceof UpgradeRefused ? upgradeFault(error, address) : silent(error, address);
      if (upgradeEvidence(error) !== undefined) against.add(fault);
      throw fault;
    });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const fault = linkFault('blocked', address, `the upgrade passed, but no message in ${helloMs} ms`);
        against.add(fault);
        reject(fault);
      }, helloMs);
    });
    return readHello(await Promise.race([first, late]), address);
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
};

const readHello = (text: string, address: GatewayAddress): Hello => {
  let message: ToAgent | undefined;
  try {
    message = readToAgent(text);
  } catch {
    message = undefined;
  }
  if (message?.type === 'bye')
    throw new Fault('bridge.unreachable', `${address.host}: the catalog ended the link: ${message.message}`, {
      advice: message.advice,
    });
  if (message?.type !== 'hello') throw linkFault('refused', address, 'its first message is not that of a catalog');
  if (message.protocol.min > 1 || message.protocol.max < 1)
    throw new Fault(
      'bridge.protocol',
      `${address.host}: the catalog speaks versions ${message.protocol.min} to ${message.protocol.max} of the protocol, this agent version 1`,
      { retryable: false },
    );
  return message;
};

const greeted = ({ hello, instead }: Greeting, address: GatewayAddress, nowMs: number): StepResult => {
  const aheadMs = clockAheadMs(hello.serverTime, nowMs);
  const note =
    aheadMs === undefined || Math.abs(aheadMs) < CLOCK_MS
      ? undefined
      : new Fault(
          'network.clock',
          `${address.host}: the clock of this machine is ${aheadOrBehind(aheadMs)} the catalog's`,
        );
  const details = [`its clock: ${hello.serverTime}`];
  if (instead === undefined)
    return passed(`The catalog took the WebSocket ${SUBPROTOCOL} and said hello.`, details, note);
  if (instead === 'asked')
    return passed('The catalog said hello by HTTPS long polling, as gateway.transport asks for.', details, note);
  return passed(
    `WebSockets do not pass, HTTPS long polling does: the agent uses that. ${instead.message}.`,
    note === undefined ? details : [...details, note.message],
    instead,
  );
};

/** The identity of this agent, as far as it can be judged without taking over the session of one that runs. */
const enrolment = async (
  { stateFolder }: LinkProbeOptions,
  address: GatewayAddress,
  hello: Hello | undefined,
): Promise<StepResult> => {
  const identity = await loadIdentity(stateFolder);
  const holder = lockHolder(stateFolder);
  const running =
    holder === undefined
      ? 'No agent runs with it now.'
      : `An agent runs with it (process ${holder}); it was left alone.`;
  const details = [`state folder ${stateFolder}`];
  if (hello !== undefined) {
    identity.signChallenge(address.host, hello.nonce, randomUUID());
    details.push("its key signs the catalog's challenge; the signature was not sent");
  }
  return passed(`Enrolled as agent ${identity.agentId} of ${identity.organisation}. ${running}`, details);
};
