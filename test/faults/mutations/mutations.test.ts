import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { MUTATIONS } from './list.ts';
import { check } from './mutation.ts';
import { simulateAll } from './simulated.ts';

interface Result {
  readonly state: string;
  readonly message: string;
}

/** Runs the named tests with their rules switched off; answers with what became of them. */
const runNamed = async (): Promise<Readonly<Record<string, readonly Result[]>>> => {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./direct-child.ts'))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // What vitest tells its own workers is not meant for another vitest.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
  });
  let text = '';
  for await (const piece of child.stdout) text += String(piece);
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, readonly Result[]>;
};

describe('each rule of the protocol, switched off', () => {
  test('has a name of its own, and its snippet once in its file', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    for (const mutation of MUTATIONS) check(mutation);
  });

  test('is noticed by the simulation', async () => {
    const caught = await simulateAll(MUTATIONS.filter(({ caughtBy }) => 'seeds' in caughtBy));
    expect(caught.filter(({ by }) => by === undefined).map(({ name }) => name)).toEqual([]);
  });

  test('is noticed by the test that is named for it', async () => {
    const results = await runNamed();
    const named = MUTATIONS.flatMap(({ name, caughtBy }) => ('test' in caughtBy ? [name] : []));
    const noticed = named.filter((name) => results[name]?.some(({ state }) => state === 'failed'));
    expect(named.filter((name) => !noticed.includes(name))).toEqual([]);
  });
});
