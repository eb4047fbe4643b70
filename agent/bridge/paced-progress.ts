import { leavingName } from '#config/redaction/leaving.ts';
import { TIMES } from '#protocol/constants.ts';
import type { JobProgressReport } from './job-handler.ts';

/**
 * Tells how far an attempt is: at once, then at most every {@link TIMES.progressMs}, each time the last that was reported.
 * `end` tells what still waits; nothing comes after it.
 */
export const pacedProgress = (
  tell: (latest: JobProgressReport) => void,
): { readonly report: (latest: JobProgressReport) => void; readonly end: () => void } => {
  let pending: JobProgressReport | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = (): void => {
    timer = undefined;
    if (!pending) return;
    tell(pending);
    pending = undefined;
    timer = setTimeout(send, TIMES.progressMs);
  };
  return {
    report: (latest) => {
      pending = { ...latest, current: latest.current.map(leavingName) };
      if (!timer) send();
    },
    end: () => {
      clearTimeout(timer);
      timer = undefined;
      if (pending) tell(pending);
      pending = undefined;
    },
  };
};
