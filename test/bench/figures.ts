import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../installer/common/bundle.ts';

/** The middle of some figures and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

export const spreadOf = (values: readonly number[], digits = 2): Spread => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
  return {
    median: rounded(median, digits),
    min: rounded(sorted[0] ?? Number.NaN, digits),
    max: rounded(sorted.at(-1) ?? Number.NaN, digits),
  };
};

export const shown = ({ median, min, max }: Spread, unit: string): string => `${median} ${unit} (${min} to ${max})`;

/** On what the figures were taken. */
export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ` +
  `${process.platform}-${process.arch}, Node ${process.versions.node}`;

export const wholeNumber = (name: string, text: string, least = 1): number => {
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw new Error(`--${name} needs a whole number from ${least}, not "${text}"`);
  return Number(text);
};

const UNIT = join(import.meta.dirname, '..', '..', 'installer', 'linux', 'culvert.service');

/** What the service unit says to the allocator of the system, as the agent is shipped. */
export const shippedEnvironment = async (): Promise<Record<string, string>> => {
  const settings = (await readFile(UNIT, 'utf8')).matchAll(/\b(MALLOC_\w+)=(\S+)/g);
  return Object.fromEntries(Array.from(settings, ([, name = '', value = '']) => [name, value]));
};

/** The bundle of the agent as it is shipped, made now in `folder`; the path of its program. */
export const shippedAgent = async (folder: string): Promise<string> => {
  await bundle({ folder, flavour: 'release', version: '0.0.0', commit: 'bench' });
  return join(folder, 'culvert.mjs');
};
