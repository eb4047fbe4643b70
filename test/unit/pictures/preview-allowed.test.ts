import { afterAll, beforeAll, expect, test } from 'vitest';
import { previewJob } from '#agent/commands/preview-job.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { Connection } from '#config/connection/connection.ts';
import { settingsFilter } from '#config/filter/settings.ts';
import { readWindow } from '#config/policy/hours.ts';
import type { JobSpec } from '#protocol/messages.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, simulate } from '../crawl/simulated.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await simulate({ apps: 8 });
});
afterAll(async () => {
  await simulator?.[Symbol.asyncDispose]();
});

const someApp = () => {
  const app = simulator.site.apps.find(
    ({ id, admitted }) => admitted === null && simulator.site.content(id).sheets.length > 1,
  );
  if (app === undefined) throw new Error('no such app');
  return app;
};

/** One agent: its jobs share a session with the proxy, of which a user may have but five. */
const dialer = new Dialer();

/** Runs a preview job as a catalog asks for it; the keys of what came of it. */
const preview = async (options: JobSpec['options'], more: Partial<Connection>) => {
  const sent: StreamRecord[] = [];
  const folder = { get: () => connectionFor(simulator, 'jwt', more), states: () => [] };
  await previewJob(folder, dialer, SILENT).run(
    { jobId: 'job', connection: 'sim', kind: 'preview', options, createdAt: '2026-01-01T00:00:00Z' },
    { write: async (record) => void sent.push(record as StreamRecord), flush: () => Promise.resolve() },
    { signal: new AbortController().signal, skipScopes: new Set(), onProgress: () => undefined },
  );
  return sent.flatMap((record) => (record.t === 'picture' ? [record.key] : []));
};

test('an app that the filter of the file rejects is not opened for a preview, and told like one that is not there', async () => {
  const app = someApp();
  const filter = settingsFilter({ excludeApps: [app.name] });
  const { total } = simulator.record.engineSockets;
  for (const data of [false, true])
    await expect(preview({ app: app.id, data }, { filter })).rejects.toMatchObject({ code: 'qlik.not_found' });
  expect(simulator.record.engineSockets.total).toBe(total);
});

test('what the catalog’s settings reject is not opened for a preview either', async () => {
  const app = someApp();
  const settings = { excludeApps: [app.name] };
  await expect(preview({ app: app.id, settings }, {})).rejects.toMatchObject({ code: 'qlik.not_found' });
  expect((await preview({ app: app.id, settings: { excludeApps: ['another'] } }, {})).length).toBeGreaterThan(0);
});

test('a sheet that the filter of the file rejects is not drawn by a preview that names it', async () => {
  const app = someApp();
  const [first, ...others] = simulator.site.content(app.id).sheets.map(({ qId }) => qId);
  const filter = settingsFilter({ filter: `not sheet_id = '${first}'` });
  const drawn = await preview({ app: app.id }, { filter });
  expect(drawn.sort()).toEqual(others.map((id) => `sim/${app.id}/${id}`).sort());
  await expect(preview({ app: app.id, sheets: [first ?? ''] }, { filter })).rejects.toMatchObject({
    code: 'qlik.not_found',
  });
});

test.each(['1 or 1 eq 1', "x' or name sw '", '../../qrs/app', `${'0'.repeat(8)} or id ne x`])(
  'a preview of %s is no question to the repository',
  async (app) => {
    let events = 0;
    const stop = simulator.record.onEvent(() => {
      events += 1;
    });
    await expect(preview({ app }, {})).rejects.toMatchObject({ code: 'qlik.not_found' });
    stop();
    expect(events).toBe(0);
  },
);

test('an app that is larger than the file allows is not opened for a preview, least of all with its data', async () => {
  const app = someApp();
  const { crawl } = connectionFor(simulator);
  const data = preview({ app: app.id, data: true }, { crawl: { ...crawl, appMaxBytes: 1 } });
  await expect(data).rejects.toMatchObject({ code: 'qlik.app_too_large' });
});

test('nothing is asked of a site for a preview in its quiet hours', async () => {
  const window = readWindow('00:00-24:00');
  if (window === undefined) throw new Error('no window');
  const { crawl } = connectionFor(simulator);
  const quietHours = { windows: [window], text: '00:00-24:00', timeZone: 'UTC' };
  const asked = preview({ app: someApp().id }, { crawl: { ...crawl, quietHours } });
  await expect(asked).rejects.toMatchObject({ code: 'policy.denied' });
});
