import type { Connection } from '#config/connection/connection.ts';
import { isWithin } from '#config/policy/hours.ts';
import { Fault } from '#protocol/errors.ts';

/**
 * What is short is not begun in quiet hours, where a crawl would rest.
 *
 * @throws Fault `policy.denied`
 */
export const refuseInQuietHours = ({ crawl: { quietHours }, file }: Connection, nowMs = Date.now()): void => {
  if (quietHours === undefined || !isWithin(quietHours.windows, quietHours.timeZone, nowMs)) return;
  throw new Fault('policy.denied', `Nothing is asked of the site in its quiet hours (${quietHours.text})`, {
    advice: `Ask again after them, or change crawl.quiet_hours in ${file}.`,
  });
};
