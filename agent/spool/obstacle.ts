import { errnoOf, isHeld } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';

export const isFull = (error: unknown): boolean => errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT';

/**
 * What keeps the disk from taking something for a while: it is full, or another program holds the file for longer than
 * it was tried again. Who writes waits until that is over, and people are told. Undefined for what waiting does not mend.
 */
export const obstacle = (error: unknown, folder: string): Fault | undefined => {
  if (isFull(error)) return new Fault('spool.full', `The disk of ${folder} is full`, { cause: error });
  if (!isHeld(error)) return undefined;
  return new Fault('spool.failed', `Something keeps the agent from its files in ${folder} (${errnoOf(error)})`, {
    cause: error,
    retryable: true,
    advice:
      'Let virus scanners leave out the state folder of the agent, and its user write there; it goes on by itself.',
  });
};
