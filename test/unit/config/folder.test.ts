import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFolder } from '#config/folder.ts';
import type { ConnectionState } from '#protocol/status.ts';

const file = (code: string, more = ''): string =>
  `name = "Site ${code}"\ncode = ${code}\nconnector_id = "qlik-sense"\nconnection {\n  url = "https://qlik.example.com/vp"\n  auth.key = "X-Qlik-User"\n  auth.value = "CORP\\\\svc"\n}\n${more}\n`;

let folder: string;
let watched: ConnectionFolder | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-folder-'));
});
afterEach(async () => {
  await watched?.close();
  watched = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Resolves when the states satisfy a condition; the watcher itself says when to look. */
const until = async (condition: (states: ConnectionState[]) => boolean): Promise<ConnectionState[]> => {
  const subject = watched;
  if (subject === undefined) throw new Error('not started');
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition(subject.states())) return;
      stop();
      resolve(subject.states());
    };
    const stop = subject.onChange(look);
    look();
  });
};

const open = async (): Promise<ConnectionFolder> => {
  watched = new ConnectionFolder({ folder, env: {} });
  await watched.start();
  return watched;
};

describe('the connections folder', () => {
  test('loads what is there, notices an added, an edited, a renamed and a removed file', async () => {
    await writeFile(join(folder, 'a.conf'), file('a'));
    const subject = await open();
    expect(subject.states().map(({ code, state }) => [code, state])).toEqual([['a', 'ready']]);
    await writeFile(join(folder, 'b.conf'), file('b'));
    await until((states) => states.length === 2);
    await writeFile(join(folder, 'b.conf'), file('b', 'description = "new"'));
    await until((states) => states.some((state) => state.description === 'new'));
    await rename(join(folder, 'b.conf'), join(folder, 'c.conf'));
    await until((states) => states.some((state) => state.file === 'c.conf' && state.state === 'ready'));
    await rm(join(folder, 'c.conf'));
    const states = await until((all) => all.some((state) => state.state === 'absent'));
    expect(states.map(({ code, state }) => [code, state])).toEqual([
      ['a', 'ready'],
      ['b', 'absent'],
    ]);
    expect(subject.get('b')).toBeUndefined();
  });
});
