import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { folderDoctor } from '#agent/commands/folder-doctor.ts';
import { readUsableSettings } from '#agent/commands/settings.ts';
import { settingsFor } from '#agent/doctor/settings.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { type CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionState } from '../../catalog/agent.ts';
import { connectionFor, simulate } from '../crawl/simulated.ts';

let site: Simulator;
let folder: string;
beforeAll(async () => {
  site = await simulate({});
  folder = await mkdtemp(join(tmpdir(), 'culvert-folder-doctor-'));
  // Port 9 of this machine takes no connection.
  await writeFile(join(folder, 'agent.conf'), 'gateway.url = "ws://127.0.0.1:9"\nstate = "state"\nodd = 1\n');
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => site.faults.clear());

/** What a job would send, in its order. */
const looked = async (link = false) => {
  const connection = connectionFor(site, 'header');
  const sent: (CheckRecord | SettingsRecord)[] = [];
  const doctor = folderDoctor({ get: () => connection }, new Dialer(), () =>
    readUsableSettings(join(folder, 'agent.conf')),
  );
  const keep = async (record: CheckRecord | SettingsRecord) => {
    sent.push(record);
  };
  const { signal } = new AbortController();
  const state = connectionState(connection.code);
  await doctor({ state, link, signal, onStart: () => {}, onCheck: keep, onSettings: keep });
  const settings = sent.filter((record) => record.t === 'settings');
  for (const one of settings) expect(SettingsRecord.parse(one)).toEqual(one);
  return { connection, sent, settings };
};

test('what Qlik needs is what the doctor prints, for the user that the site named, and mends nothing of a healthy one', async () => {
  const { connection, settings } = await looked();
  const printed = settingsFor(connection, 'CORP\\svc_catalog');
  expect(settings.map(({ title, fields }) => [title, fields.map(({ name, value }) => [name, value])])).toEqual(
    printed.map(({ title, fields }) => [title, fields]),
  );
  expect(settings.map(({ mends }) => mends)).toEqual([false, false]);
});

test.each([
  ['an empty list of apps', { emptyLists: ['app'] as const }, [true, false]],
  ['another host in the allow list', { allowedHosts: ['elsewhere.example'] }, [false, true]],
  ['a user who may not log in', { inactiveUsers: true }, [false, false]],
  ['no repository', { servicesDown: ['repository'] as const }, [false, false]],
])('of a site with %s the form is told that mends it', async (_, faults, mends) => {
  site.faults.set({ ...faults });
  expect((await looked()).settings.map((one) => one.mends)).toEqual(mends);
});

test('the way to the catalog comes last, and names the files of the agent without their folders', async () => {
  const { sent } = await looked(true);
  const kinds = sent.map((record) => (record.t === 'check' ? record.target : record.t));
  expect(kinds.lastIndexOf('settings')).toBeLessThan(kinds.indexOf('link'));
  const link = sent.filter((record) => record.t === 'check' && record.target === 'link');
  expect(JSON.stringify(link)).toContain('agent.conf');
  expect(JSON.stringify(link)).not.toContain(folder);
});
