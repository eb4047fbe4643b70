import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rootFolder } from '#catalog/store/binaries.ts';
import { handOver, openDatabase, runningDatabase } from '#catalog/store/embedded.ts';
import { lockFolder } from '#catalog/store/folder-lock.ts';
import { connect } from '#catalog/store/sql.ts';
import { eventually } from './database.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-test-'));
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const query = async (url: string, text: string): Promise<readonly object[]> => {
  const sql = connect(url, { max: 1 });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
};

const isRoot = process.getuid?.() === 0;

test('a file that is handed to another user never goes where a link leads', () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'untouched');
  const path = join(folder, 'password');
  symlinkSync(victim, path);
  handOver(path, 'canary', isRoot ? { uid: 65534, gid: 65534 } : undefined);
  expect(readFileSync(victim, 'utf8')).toBe('untouched');
  expect(statSync(victim).uid).toBe(process.getuid?.());
  expect(readFileSync(path, 'utf8')).toBe('canary');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what was committed is there after a stop and a start', async () => {
  const data = join(folder, 'data');
  {
    await using database = await openDatabase(data, '');
    await query(database.url, 'create table t as select 42 as n');
    expect(runningDatabase(data)).toBe(database.url);
  }
  expect(runningDatabase(data)).toBeUndefined();
  await using database = await openDatabase(data, '');
  expect(await query(database.url, 'select n from t')).toEqual([{ n: 42 }]);
});

test('the password is random, and only its owner can read it', async () => {
  const urls: string[] = [];
  for (const name of ['one', 'two']) {
    await using database = await openDatabase(join(folder, name), '');
    urls.push(new URL(database.url).password);
    await expect(query(database.url.replace(/:[^:@]+@/, ':culvert@'), 'select 1')).rejects.toMatchObject({
      code: '28P01',
    });
    for (const file of ['database-password', 'database.json'])
      expect(statSync(join(folder, name, file)).mode & 0o777).toBe(0o600);
  }
  expect(urls[0]).not.toBe(urls[1]);
  expect(urls[0]?.length).toBeGreaterThan(30);
});

test('a second catalog in the same folder is refused, with the process that holds it', async () => {
  const data = join(folder, 'data');
  await using _ = await openDatabase(data, '');
  await expect(openDatabase(data, '')).rejects.toMatchObject({
    code: 'catalog.unavailable',
    message: expect.stringContaining(`process ${process.pid}`),
  });
});

test('after a kill -9 of the catalog its PostgreSQL is ended and the folder taken over', async () => {
  const data = join(folder, 'data');
  const script = `
    import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../catalog/store/embedded.ts'))};
    const database = await openDatabase(${JSON.stringify(data)}, '');
    console.log(database.url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  await query(url, 'create table t as select 7 as n');
  const pid = Number(readFileSync(join(data, 'postgresql', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  process.kill(pid, 0);
  await using database = await openDatabase(data, '');
  expect(await query(database.url, 'select n from t')).toEqual([{ n: 7 }]);
  await eventually(async () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});

test('DATABASE_URL is used as it is', async () => {
  await using database = await openDatabase(join(folder, 'unused'), 'postgres://elsewhere');
  expect(database.url).toBe('postgres://elsewhere');
  expect(existsSync(join(folder, 'unused'))).toBe(false);
});

test('a first start that was cut off begins again', async () => {
  const data = join(folder, 'data');
  mkdirSync(join(data, 'postgresql', 'data'), { recursive: true });
  writeFileSync(join(data, 'postgresql', 'data', 'half'), '');
  await using database = await openDatabase(data, '');
  expect(await query(database.url, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a folder that cannot be made, and a PostgreSQL that does not start, are said clearly', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(openDatabase(join(folder, 'file', 'data'), '')).rejects.toMatchObject({ code: 'catalog.unavailable' });
  const data = join(folder, 'data');
  {
    await using _ = await openDatabase(data, '');
  }
  writeFileSync(join(data, 'postgresql', 'data', 'postgresql.conf'), 'nonsense_setting = 1\n');
  await expect(openDatabase(data, '')).rejects.toMatchObject({
    code: 'catalog.unavailable',
    message: expect.stringContaining('nonsense_setting'),
  });
  // And the folder is free again.
  lockFolder(data)();
});

describe('the lock', () => {
  test('of a process that is gone is taken over', () => {
    writeFileSync(join(folder, 'lock'), '999999999 123\n');
    const unlock = lockFolder(folder);
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    unlock();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  test('that cannot be written says what to do; so does a folder that is a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => lockFolder(file)).toThrow(`The data folder ${file} cannot be written (ENOTDIR)`);
    await expect(openDatabase(file)).rejects.toMatchObject({
      code: 'catalog.unavailable',
      message: expect.stringContaining(`The data folder ${file} cannot be made`),
      advice: expect.stringContaining('--data'),
    });
  });

  test('of a number that another process has now is taken over', () => {
    writeFileSync(join(folder, 'lock'), `${process.pid} 1\n`);
    lockFolder(folder)();
  });
});

describe.runIf(isRoot)('the folder for what an unprivileged PostgreSQL must reach', () => {
  test('is made so that only root may write to it', () => {
    const made = rootFolder([join(folder, 'own')]);
    expect(statSync(made).mode & 0o777).toBe(0o711);
  });

  test('is refused when others could have prepared it', () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect(() => rootFolder([open])).toThrow('only root may write');
    symlinkSync(folder, join(folder, 'link'));
    expect(() => rootFolder([join(folder, 'link')])).toThrow('only root may write');
  });
});
