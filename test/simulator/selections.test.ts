/** Clients that select find their selections again: in fields, list boxes, cubes, and in the list of selections. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { appWhere, handleOf, list, open, usual } from './engine-fixture.ts';
import type { RawSocket } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

interface Cell {
  readonly qText: string;
  readonly qElemNumber: number;
  readonly qState: string;
}
interface Layout {
  readonly qListObject: { readonly qDataPages: readonly { readonly qMatrix: readonly (readonly Cell[])[] }[] };
  readonly qHyperCube: {
    readonly qSize: { readonly qcy: number };
    readonly qDataPages: readonly { readonly qMatrix: readonly (readonly Cell[])[] }[];
  };
  readonly qSelectionObject: {
    readonly qSelections: readonly { readonly qField: string; readonly qSelectedCount: number }[];
  };
}

let simulator: Simulator;
let run = 0;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 11, apps: 30 });
});
afterAll(() => simulator[Symbol.asyncDispose]());
beforeEach(() => {
  run += 1;
});

const page = [{ qLeft: 0, qTop: 0, qWidth: 2, qHeight: 20 }];

const opened = async (noData = false): Promise<{ socket: RawSocket; field: string; cardinal: number }> => {
  const app = appWhere(simulator, usual);
  const field = simulator.site
    .content(app.id)
    .fields.find(({ isSystem, cardinal, name }) => !isSystem && cardinal > 4 && /^\w+$/.test(name));
  if (!field) throw new Error('no such field');
  return { socket: await open(simulator, app, `select-${run}`, noData), field: field.name, cardinal: field.cardinal };
};

const selections = async (socket: RawSocket) =>
  ((await list(socket, { qSelectionObjectDef: {} })) as unknown as Layout).qSelectionObject.qSelections;

test('a selection in a field shows in the list of selections, in list boxes and in cubes', async () => {
  const { socket, field, cardinal } = await opened();
  await using _ = socket;
  const dimension = { qDef: { qFieldDefs: [field] }, qInitialDataFetch: page };
  const properties = {
    qListObjectDef: dimension,
    qHyperCubeDef: { qDimensions: [dimension], qMeasures: [], qInitialDataFetch: page },
  };
  const before = (await list(socket, properties)) as unknown as Layout;
  const rows = before.qListObject.qDataPages[0]?.qMatrix ?? [];
  expect(rows.map(([cell]) => cell?.qState)).toEqual(rows.map(() => 'O'));
  const handle = handleOf(await socket.call('GetField', 1, [field]));
  const selected = await socket.call('Select', handle, [rows[1]?.[0]?.qText]);
  expect(selected.result).toEqual({ qReturn: true });
  expect(selected.change).toContain(handle);
  expect(await selections(socket)).toMatchObject([{ qField: field, qSelectedCount: 1, qTotal: cardinal }]);
  const after = (await list(socket, properties)) as unknown as Layout;
  expect(after.qListObject.qDataPages[0]?.qMatrix.slice(0, 3).map(([cell]) => cell?.qState)).toEqual(['A', 'S', 'A']);
  expect(after.qHyperCube.qSize.qcy).toBe(1);
  expect(after.qHyperCube.qDataPages[0]?.qMatrix.map(([cell]) => cell?.qElemNumber)).toEqual([1]);
  await socket.call('ClearAll', 1);
  expect(await selections(socket)).toEqual([]);
});

test('list boxes and cubes select by element number, and turn over when asked', async () => {
  const { socket, field } = await opened();
  await using _ = socket;
  const dimension = { qDef: { qFieldDefs: [field] }, qInitialDataFetch: page };
  const made = await socket.call('CreateSessionObject', 1, [
    { qInfo: { qType: 'x' }, qListObjectDef: dimension, qHyperCubeDef: { qDimensions: [dimension], qMeasures: [] } },
  ]);
  const handle = handleOf(made);
  const inList = (values: readonly number[], toggle: boolean) =>
    socket.call('SelectListObjectValues', handle, ['/qListObjectDef', values, toggle]);
  expect((await inList([0, 2], true)).result).toEqual({ qSuccess: true });
  expect((await inList([2, 3], true)).result).toEqual({ qSuccess: true });
  expect(await selections(socket)).toMatchObject([{ qField: field, qSelectedCount: 2 }]);
  const inCube = await socket.call('SelectHyperCubeValues', handle, ['/qHyperCubeDef', 0, [4], false]);
  expect(inCube.result).toEqual({ qSuccess: true });
  expect(await selections(socket)).toMatchObject([{ qField: field, qSelectedCount: 1 }]);
  await socket.call('ClearSelections', handle, ['/qListObjectDef']);
  expect(await selections(socket)).toEqual([]);
});

test('what is not there is not selected, and what was selected stays', async () => {
  const { socket, field, cardinal } = await opened();
  await using _ = socket;
  const handle = handleOf(await socket.call('GetField', 1, [field]));
  expect((await socket.call('LowLevelSelect', handle, [[0, 1], false])).result).toEqual({ qReturn: true });
  expect((await socket.call('Select', handle, ['no such value'])).result).toEqual({ qReturn: false });
  expect((await socket.call('LowLevelSelect', handle, [[cardinal], false])).result).toEqual({ qReturn: false });
  expect(await selections(socket)).toMatchObject([{ qSelectedCount: 2 }]);
  expect((await socket.call('Select', handle, [`${field} *`])).result).toEqual({ qReturn: true });
  expect(await selections(socket)).toMatchObject([{ qSelectedCount: Math.min(1_000, cardinal) }]);
});

test('without data nothing can be selected', async () => {
  const { socket, field } = await opened(true);
  await using _ = socket;
  const made = await socket.call('CreateSessionObject', 1, [
    { qInfo: { qType: 'x' }, qListObjectDef: { qDef: { qFieldDefs: [field] } } },
  ]);
  const tried = await socket.call('SelectListObjectValues', handleOf(made), ['/qListObjectDef', [0], false]);
  expect(tried.result).toEqual({ qSuccess: false });
  expect(await selections(socket)).toEqual([]);
});

test('every session has its own selections', async () => {
  const one = await opened();
  run += 1;
  const two = await opened();
  await using _ = one.socket;
  await using __ = two.socket;
  const handle = handleOf(await one.socket.call('GetField', 1, [one.field]));
  await one.socket.call('LowLevelSelect', handle, [[0], false]);
  expect(await selections(one.socket)).toHaveLength(1);
  expect(await selections(two.socket)).toEqual([]);
});
