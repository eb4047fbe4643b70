import type { ModelTable } from './data-model.ts';
import { type Random, randomOf } from './random.ts';
import type { ScriptPlan } from './script-plan.ts';
import type { App, LineageRow } from './types.ts';
import type { World } from './world.ts';

/** A path as the server's own disks have it, where the data connection is a folder. */
const physicalPath = (world: World, path: string): string => {
  const [library = '', ...names] = path.slice('lib://'.length).split('/');
  const all = [...world.connections.values()].flat();
  const folder = all.find(({ name, type }) => name === library && type === 'folder')?.connectionstring;
  return folder === undefined ? path : `${folder}${names.join('\\')}`;
};

/** What the engine reports for one source: nothing is normalised, as on real sites. */
const discriminators = (random: Random, world: World, table: ModelTable): LineageRow => {
  const { source } = table;
  const row = (discriminator: string, statement = ''): LineageRow => ({ discriminator, statement });
  switch (source.kind) {
    case 'qvd': {
      const file = physicalPath(world, source.path);
      return random.pick([row(`${source.path};`), row(source.path), row(`DSN=${file};`), row(file), row(`${file};`)]);
    }
    case 'sql':
      return random.chance(0.5) && source.connection.startsWith('DWH')
        ? row(
            `Provider=SQLOLEDB.1;Data Source=sql01;Password=canary-lineage-${world.seed}`,
            `SQL SELECT * FROM ${source.table}`,
          )
        : row(source.connection, `SELECT * FROM ${source.table}`);
    case 'rest':
      return row(
        `https://tickets.example/v2/tickets?api_key=canary-lineage-url-${world.seed};`,
        'SELECT "ID" FROM JSON (wrap on) "root"',
      );
    case 'file':
      return row(random.pick([`${source.path};`, source.path, physicalPath(world, source.path)]));
    case 'binary':
      return row(`BINARY ${source.path};`);
    case 'inline':
      return row('INLINE;');
    case 'calendar':
      return row('AUTOGENERATE;');
    case 'resident':
      return row(`RESIDENT ${source.of};`);
    default:
      return source satisfies never;
  }
};

const storedRow = (random: Random, { table, target, format }: ScriptPlan['stores'][number]): LineageRow => {
  const { name } = table;
  const path = target.type === 'file' ? `lib://${[target.library, ...target.names].join('/')}` : '';
  const whole = `{STORE - STORE [${name}] INTO [${path}](${format})};`;
  return {
    discriminator:
      format === 'qvd'
        ? random.pick([
            whole,
            `DSN={STORE - [${path}]\n(qvd)};`,
            `STORE - QVD\\${name}.qvd`,
            `STORE - [${name}.qvd] (qvd)`,
          ])
        : whole,
    statement: '',
  };
};

/** `GetLineage`: what the last reload touched, in its order, repeated where the script came by more than once. */
export const lineageOf = (world: World, app: App, plan: ScriptPlan): readonly LineageRow[] => {
  const random = randomOf(world.seed, 'lineage', app.id);
  const rows: LineageRow[] = [];
  for (const { table } of plan.loads) {
    // Of many files that are read at once these sites are silent.
    if (table.source.kind === 'qvd' && table.source.path.includes('*')) continue;
    const row = discriminators(random, world, table);
    rows.push(row);
    while (random.chance(0.25)) rows.push(row);
  }
  if (plan.joined !== undefined) rows.push({ discriminator: `${plan.joined.path};`, statement: '' });
  for (const store of plan.stores) if (store.target.type === 'file') rows.push(storedRow(random, store));
  if (random.chance(0.05)) rows.push({ discriminator: 'EXTENSION', statement: '' });
  if (app.sectionAccess) rows.push({ discriminator: 'INLINE', statement: '' });
  return rows;
};
