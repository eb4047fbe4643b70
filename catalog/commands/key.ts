import type { Command } from 'commander';
import { listSigningKeys, rotateSigningKey } from '#catalog/store/signing-keys.ts';
import { chooseOrganisation, DATA_HELP, DEFAULT_DATA, withDatabase } from './data-folder.ts';

interface Options {
  readonly data: string;
  readonly organisation?: string;
  readonly json?: boolean;
}

const rotate = async (options: Options): Promise<void> => {
  const id = await withDatabase(options.data, async (sql) => {
    const organisation = await chooseOrganisation(sql, options.organisation);
    return await rotateSigningKey(sql, organisation.id);
  });
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ key: id })}\n`
      : `Jobs are signed with the key ${id} from now on.\nAgents are told at once, or when they come back; the private half of the key before is erased when none needs it.\n`,
  );
};

const list = async (options: Options): Promise<void> => {
  const keys = await withDatabase(options.data, async (sql) => {
    const organisation = await chooseOrganisation(sql, options.organisation);
    return await listSigningKeys(sql, organisation.id);
  });
  if (options.json) process.stdout.write(`${JSON.stringify({ keys })}\n`);
  else
    for (const { id, createdAt, retiredAt, erased, agents } of keys) {
      const state = retiredAt === null ? 'signs' : erased ? 'erased' : `retired, needed by ${agents} agents`;
      process.stdout.write(`${id}  ${createdAt.toISOString()}  ${state}\n`);
    }
};

export const addKeyCommand = (program: Command): void => {
  const key = program.command('key').description('the key that signs the jobs of an organisation');
  const add = (name: string, description: string, act: (options: Options) => Promise<void>): void => {
    key
      .command(name)
      .description(description)
      .option('--organisation <name>', 'organisation; default: the only one')
      .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
      .option('--json', 'print JSON, for programs')
      .action(act);
  };
  add('rotate', 'make a successor, signed by the key before, and sign with it from now on', rotate);
  add('list', 'list the keys, the newest first', list);
};
