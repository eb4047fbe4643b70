/** The PostgreSQL that all files of the lane share. To make one takes a second, to make a database in it a moment. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '#catalog/store/migrate.ts';
import { connect } from '#catalog/store/sql.ts';
import { KillableDatabase } from '#test/faults/processes/postgres.ts';
import { freePort } from '#test/network/proxies/programs.ts';

/** What is in it is gone with the lane, whatever happens to the machine: nothing has to wait for the disk. */
const SETTINGS = ['max_connections=200', 'fsync=off', 'full_page_writes=off'];
const TEMPLATE = 'with_schema';

export default async (project: TestProject): Promise<() => Promise<void>> => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'culvert-lane-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as another user, who must get in
  const { url } = stack.use(await KillableDatabase.start(folder, await freePort(), SETTINGS));
  const admin = connect(url, { max: 1 });
  await admin.unsafe(`create database ${TEMPLATE}`);
  await admin.end();
  const template = connect(url.replace(/\/postgres$/, `/${TEMPLATE}`), { max: 1 });
  await migrate(template);
  await template.end();
  project.provide('postgres', { url, template: TEMPLATE });
  const kept = stack.move();
  return () => kept.disposeAsync();
};
