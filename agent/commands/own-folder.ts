import { whyNotToWrite } from '#config/state-folder.ts';
import { Fault } from '#protocol/errors.ts';

/**
 * Refuses to work as root in the state folder of another user, who could make root overwrite files, and who would find
 * files there afterwards that he may not read.
 *
 * @throws Fault `bridge.foreign_state`
 */
export const checkOwnFolder = (stateFolder: string): void => {
  const whyNot = whyNotToWrite(stateFolder);
  if (whyNot !== undefined) throw new Fault('bridge.foreign_state', `${stateFolder} cannot be used: ${whyNot}`);
};
