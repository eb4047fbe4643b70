/** The service-time model on the wire: answers take at least what the model says. Nothing here asserts that they are fast. */
import { expect, it } from 'vitest';
import { open, usual } from './engine-fixture.ts';
import { SERVICE_TIMES } from './model/cost.ts';
import type { App } from './model/types.ts';
import { askQrs, outputOf, RawSocket } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

/** Timers have whole milliseconds, and the nearest is taken. */
const ROUNDING_MS = 1.5;

const took = async (run: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await run();
  return performance.now() - started;
};

/** Everything that the lower bound counts of an app, pipelined as far as an ordinary client can. */
const read = async (simulator: Simulator, app: App): Promise<void> => {
  await using socket = await RawSocket.direct(simulator, `/app/${app.id}/identity/read`);
  const opened = socket.send('OpenDoc', -1, [app.id, '', '', '', true]);
  if ((await socket.reply(opened)).error) return;
  const pointers = {
    sheet: { qAppObjectListDef: { qType: 'sheet' } },
    dims: { qDimensionListDef: { qData: { d: '/qDim' } } },
  };
  const ids = [
    socket.send('GetScriptEx', 1),
    socket.send('CreateSessionObject', 1, [
      {
        qInfo: { qType: 'all' },
        ...pointers,
        measures: { qMeasureListDef: { qData: { m: '/qMeasure' } } },
        masters: { qAppObjectListDef: { qType: 'masterobject', qData: { cube: '/qHyperCubeDef' } } },
        stories: { qAppObjectListDef: { qType: 'story' } },
        bookmarks: { qBookmarkListDef: {} },
        variables: { qVariableListDef: {} },
      },
    ]),
    socket.send('GetLayout', 2),
  ];
  const layout = outputOf<{ sheet: { qAppObjectList: { qItems: { qInfo: { qId: string } }[] } } }>(
    await socket.reply(ids[2] ?? 0),
    'qLayout',
  );
  const trees = layout.sheet.qAppObjectList.qItems.flatMap(({ qInfo }, index) => [
    socket.send('GetObject', 1, [qInfo.qId]),
    socket.send('GetFullPropertyTree', 3 + index),
  ]);
  await Promise.all([...ids, ...trees].map((id) => socket.reply(id)));
};

it('calls of one session wait for each other, and all answers for the way', async () => {
  await using simulator = await startSimulator({ seed: 41, apps: 8, serviceTime: true });
  await using socket = await RawSocket.direct(simulator, '/app/engineData');
  const calls = 20;
  const elapsed = await took(() => Promise.all(Array.from({ length: calls }, () => socket.call('EngineVersion'))));
  expect(elapsed).toBeGreaterThanOrEqual(calls * SERVICE_TIMES.engineMs + SERVICE_TIMES.roundTripMs - ROUNDING_MS);
});

it('opening, lists and metadata take their own times, opening with data more', async () => {
  await using simulator = await startSimulator({ seed: 41, apps: 8, serviceTime: true });
  const { openMs, openDataMsPerMiB, qrsMs, roundTripMs } = SERVICE_TIMES;
  const app = simulator.site.apps.filter(usual).sort((a, b) => a.fileSizeBytes - b.fileSizeBytes)[0];
  if (!app) throw new Error('no app');
  const withData = openMs + (app.fileSizeBytes / 1024 / 1024) * openDataMsPerMiB;
  for (const [noData, ms] of [
    [true, openMs],
    [false, withData],
  ] as const) {
    const elapsed = await took(async () => {
      await using socket = await open(simulator, app, `data-${noData}`, noData);
      expect(socket.frames.length).toBeGreaterThan(0);
    });
    expect(elapsed).toBeGreaterThanOrEqual(ms + roundTripMs - ROUNDING_MS);
  }
  expect(await took(() => askQrs(simulator, '/qrs/app/full'))).toBeGreaterThanOrEqual(
    qrsMs + roundTripMs - ROUNDING_MS,
  );
});

it('nobody reads a site faster than its lower bound', async () => {
  await using simulator = await startSimulator({ seed: 42, apps: 12, serviceTime: true });
  const elapsed = await took(async () => {
    const queue = [...simulator.site.apps];
    const reader = async (): Promise<void> => {
      for (let app = queue.shift(); app; app = queue.shift()) await read(simulator, app);
    };
    await askQrs(simulator, '/qrs/app/full');
    await Promise.all([reader(), reader()]);
  });
  expect(simulator.record.snapshot()).toMatchObject({ opensWithData: 0, engineSessions: { max: 2 } });
  expect(elapsed / 1000).toBeGreaterThanOrEqual(simulator.lowerBound(2).seconds * 0.98);
});
