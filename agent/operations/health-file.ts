import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the agent that works in a state folder answers, for `culvert status`. */
export interface HealthPlace {
  readonly port: number;
  readonly pid: number;
}

const pathIn = (stateFolder: string): string => join(stateFolder, 'health.json');

/** Notes it; returns what removes the note. */
export const noteHealth = (stateFolder: string, place: HealthPlace): (() => void) => {
  writeFileSync(pathIn(stateFolder), `${JSON.stringify(place)}\n`, { mode: 0o600 });
  return () => rmSync(pathIn(stateFolder), { force: true });
};

/** What was noted; undefined when there is nothing, or it cannot be read. */
export const notedHealth = (stateFolder: string): HealthPlace | undefined => {
  try {
    const { port, pid } = JSON.parse(readFileSync(pathIn(stateFolder), 'utf8')) as Partial<HealthPlace>;
    return typeof port === 'number' && typeof pid === 'number' ? { port, pid } : undefined;
  } catch {
    return undefined;
  }
};
