import type { DataModel, ModelTable } from './data-model.ts';
import { namesByUse } from './names-by-use.ts';
import { type Random, randomOf } from './random.ts';
import type { App } from './types.ts';
import type { World } from './world.ts';

const takes = ({ seed }: World, { id, lastReloadTime }: App): boolean =>
  lastReloadTime !== null && randomOf(seed, 'takes', id).chance(0.06);

const TRIES = 8;
/** Names that people can write as a file's. */
const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N} _()-]*[\p{L}\p{N})]$/u;

/** As people write an app in BINARY: its id alone, a file of that name, or one that is called like the app. */
const pathOf = (random: Random, world: World, { id, name }: App): string => {
  const library = random.pick(world.connections.get('qvd') ?? []).name;
  const way = random.weighted({ id: 3, file: 2, name: 4 });
  if (way === 'id') return id;
  return `lib://${library}/apps/${way === 'name' && PLAIN.test(name) ? name : id}.qvf`;
};

const allFields = ({ fields, joined }: ModelTable): ModelTable['fields'] =>
  joined === null ? fields : [...fields, joined];

/**
 * The data model of an app that loads another one whole by BINARY: all tables of that app, of which it may drop one, and one
 * of whose fields it may rename. Undefined: it does nothing of the kind.
 */
export const takenModel = (
  world: World,
  app: App,
  modelOf: (world: World, app: App) => DataModel,
): DataModel | undefined => {
  if (!takes(world, app)) return undefined;
  const random = randomOf(world.seed, 'taken', app.id);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const other = random.pick(world.apps);
    if (other.id === app.id || other.lastReloadTime === null || takes(world, other)) continue;
    const model = modelOf(world, other);
    const present = model.tables.filter(({ dropped }) => !dropped);
    if (present.length > 0) return copied(random, model, present, pathOf(random, world, other));
  }
  return undefined;
};

const copied = (random: Random, model: DataModel, present: readonly ModelTable[], path: string): DataModel => {
  const names = new Set(present.flatMap(allFields).map(({ name }) => name));
  const [from] = random.sample([...names], 1);
  const renamed = from === undefined || random.chance(0.6) ? undefined : { from, to: `${from} alt` };
  const named = (name: string): string => (name === renamed?.from ? renamed.to : name);
  const drops = present.length > 1 && random.chance(0.3);
  const tables = present.map(
    (table, index): ModelTable => ({
      name: table.name,
      source: { kind: 'binary', path },
      fields: allFields(table).map((field) => ({ ...field, name: named(field.name) })),
      joined: null,
      rows: table.rows,
      storedAs: null,
      dropped: drops && index === present.length - 1,
    }),
  );
  const [first] = tables;
  const own = first?.fields.find(({ role }) => role === 'text' || role === 'key');
  if (first !== undefined && own !== undefined && !names.has('Row Count') && random.chance(0.4))
    tables.push({
      name: `of ${first.name}`,
      source: { kind: 'resident', of: first.name },
      fields: [own, { name: 'Row Count', role: 'number' }],
      joined: null,
      rows: 10,
      storedAs: null,
      dropped: false,
    });
  return {
    ...model,
    layer: 'dashboard',
    tables,
    ...namesByUse(tables.filter(({ dropped }) => !dropped).flatMap(allFields)),
    transforms: false,
    synthetic: false,
    renamed,
  };
};
