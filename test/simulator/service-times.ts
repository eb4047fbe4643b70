import type { ServiceTimes } from './pacing.ts';

/** What the calls of a site cost that is neither idle nor busy. */
export const SERVICE_TIMES: ServiceTimes = {
  roundTripMs: 5,
  qrsMs: 15,
  qrsRowMs: 0.02,
  openMs: 40,
  openDataMsPerMiB: 10,
  engineMs: 2,
  engineMsPerKiB: 0.05,
  metadataMs: 10,
};
