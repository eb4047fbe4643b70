import type { ErrorInfo } from '#protocol/errors.ts';
import { causesOf } from '#protocol/logging/causes.ts';
import { leavingText } from './leaving.ts';

/** What a line of the log says of an error besides its message. */
type FaultFields = {
  readonly code: string;
  readonly advice: string;
  /** From the nearest cause down; absent when nothing caused it. */
  readonly causes?: readonly string[];
};

/**
 * The fields under which every error is logged: its code, the advice, and what caused it, a few messages without what
 * looks like a secret, since libraries and servers wrote them.
 */
export const faultFields = (fault: Pick<ErrorInfo, 'code' | 'advice'>): FaultFields => {
  const causes = causesOf(fault).map(leavingText);
  return { code: fault.code, advice: fault.advice, ...(causes.length === 0 ? {} : { causes }) };
};
