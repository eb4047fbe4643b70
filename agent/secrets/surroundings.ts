import { homedir } from 'node:os';
import { type FileReader, readFromDisk } from '#config/files.ts';

/** What a provider takes from the machine it runs on; injected so that tests need neither its clock nor its files. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  now(): number;
  /** 0 ≤ x < 1. */
  random(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly read: FileReader;
  readonly homeFolder: string;
}

export const THIS_MACHINE: Surroundings = {
  now: Date.now,
  random: Math.random,
  env: process.env,
  read: readFromDisk,
  homeFolder: homedir(),
};
