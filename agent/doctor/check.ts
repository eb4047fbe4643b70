import type { CheckId, LinkCheckId } from '#protocol/checks.ts';
import type { ErrorCode, ErrorInfo } from '#protocol/errors.ts';

/** What a check found. A thrown Fault is the same as `fail`. */
export type Finding =
  | {
      readonly status: 'pass';
      /** What was seen: one or two sentences for people. */
      readonly seen: string;
      readonly details?: readonly string[];
      /** Something that works and still deserves a look. */
      readonly note?: Pick<ErrorInfo, 'code' | 'advice'>;
    }
  | {
      readonly status: 'fail';
      readonly fault: ErrorInfo;
      readonly details?: readonly string[];
      /** True: what follows can be looked at all the same, such as with the older version of a file. */
      readonly harmless?: boolean;
    }
  /** There is nothing to look at here: checks that need this one go on. */
  | { readonly status: 'skip'; readonly seen: string };

/** One thing to look at. `Context` is what the checks of a run share; a check writes there what later ones need. */
export interface Check<Context, Id extends string = CheckId | LinkCheckId> {
  readonly id: Id;
  /** Reads after "because": `the log-in`. */
  readonly noun: string;
  /** Checks on whose success this one stands; they come before it. */
  readonly needs: readonly Id[];
  /** How long it may take. */
  readonly deadlineMs: number;
  /** The code when it, or an answer that it waits for, takes longer. Default `network.timeout`. */
  readonly late?: ErrorCode;
  run(context: Context, signal: AbortSignal): Promise<Finding>;
}

/** It works. */
export const pass = (seen: string, details: readonly string[] = []): Finding => ({ status: 'pass', seen, details });
/** There is nothing to look at; `seen` says why. */
export const skip = (seen: string): Finding => ({ status: 'skip', seen });
/** It does not work; the message of the fault is what was seen. */
export const fail = (fault: ErrorInfo, details: readonly string[] = []): Finding => ({
  status: 'fail',
  fault,
  details,
});
