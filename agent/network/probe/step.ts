import type { Fault } from '#protocol/errors.ts';
import { withoutPlace } from '../faults.ts';

/** The steps of a probe, in the order in which the packets travel. */
export type ProbeStepName = 'dns' | 'tcp' | 'proxy' | 'tls';

/** What one step found. */
export interface ProbeStep {
  readonly name: ProbeStepName;
  readonly status: 'pass' | 'fail' | 'skip';
  /** One or two sentences for people; for a skipped step why. */
  readonly seen: string;
  /** With `fail` always. With `pass`: it works, and still somebody should look at this. */
  readonly fault: Fault | undefined;
  /** Facts to compare, one a line. */
  readonly details: readonly string[];
  readonly durationMs: number;
}

/** What a step says of itself; name and duration are added by whoever walks. */
export type StepResult = Omit<ProbeStep, 'name' | 'durationMs'>;

/** `fault` is something that works and still deserves a look; its text follows what was seen. */
export const passed = (seen: string, details: readonly string[] = [], fault?: Fault): StepResult => ({
  status: 'pass',
  seen: fault === undefined ? seen : `${seen} But: ${withoutPlace(fault.message)}.`,
  fault,
  details,
});

/** There was nothing to do, or no ground for it; `seen` says why. */
export const skipped = (seen: string): StepResult => ({ status: 'skip', seen, fault: undefined, details: [] });

/** What `fault` says was seen. */
export const failed = (fault: Fault, details: readonly string[] = []): StepResult => ({
  status: 'fail',
  seen: fault.message,
  fault,
  details,
});
