import { readdirSync, readFileSync } from 'node:fs';

/** What Linux tells of processes in `/proc`; elsewhere the figures are zero. */

/** Clock ticks a second: Linux says 100 to every program, whatever the kernel counts in. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** Of this process and of its children that ended. */
  readonly cpuSeconds: number;
}

const statOf = (pid: number): Stat | undefined => {
  try {
    // The name of the program stands in brackets and may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
};

/** Processor seconds that a process has used up to now, its children of now and of earlier included. */
export const cpuSeconds = (pid: number): number => {
  const stats = new Map<number, Stat>();
  try {
    for (const name of readdirSync('/proc')) {
      const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
      if (stat) stats.set(Number(name), stat);
    }
  } catch {
    return 0;
  }
  const sum = (of: number): number => {
    let total = stats.get(of)?.cpuSeconds ?? 0;
    for (const [child, { parent }] of stats) if (parent === of) total += sum(child);
    return total;
  };
  return sum(pid);
};

const statusOf = (pid: number, field: string): number | undefined => {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
};

/** KiB that are resident now; undefined where the system does not tell, or when the process has ended. */
export const residentKiB = (pid: number): number | undefined => statusOf(pid, 'VmRSS');

/** The most KiB that were ever resident: the kernel keeps it, and forgets it with the process. */
export const peakResidentKiB = (pid: number): number | undefined => statusOf(pid, 'VmHWM');
