import { aheadOrBehind, clockAheadMs } from '#agent/network/clock.ts';
import { Fault } from '#protocol/errors.ts';

/** Below it nobody has to care. */
const SKEW_MS = 60_000;

/** What is to be told when this machine's clock and the catalog's differ; no part of the link depends on it. */
export const skewFault = (serverTime: string, wallMs: number): Fault | undefined => {
  const aheadMs = clockAheadMs(serverTime, wallMs);
  return aheadMs === undefined || Math.abs(aheadMs) <= SKEW_MS
    ? undefined
    : new Fault('network.clock', `The clock of this machine is ${aheadOrBehind(aheadMs)} the catalog's`);
};
