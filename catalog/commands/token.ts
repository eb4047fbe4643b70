import { type Command, InvalidArgumentError } from 'commander';
import { createEnrolmentToken } from '#catalog/store/agents.ts';
import { createApiToken } from '#catalog/store/api-tokens.ts';
import { findMember, listMembers } from '#catalog/store/members.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { chooseOrganisation, DATA_HELP, DEFAULT_DATA, withDatabase } from './data-folder.ts';

interface Options {
  readonly data: string;
  readonly enrolment?: boolean;
  readonly api?: boolean;
  readonly organisation?: string;
  readonly email?: string;
  readonly name: string;
  readonly expiresInDays?: number;
  readonly json?: boolean;
}

const asDays = (text: string): number => {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 3650) throw new InvalidArgumentError('1 to 3650 days');
  return days;
};

/** The user that an API token speaks for: the one named, else the only one of the organisation. */
const owner = async (sql: Sql, options: Options): Promise<{ organisationId: string; id: string }> => {
  if (options.email !== undefined) {
    const member = await findMember(sql, options.email);
    if (member && (options.organisation === undefined || member.organisationName === options.organisation))
      return member;
    throw new Fault('config.invalid', `There is no user ${options.email}`, { advice: 'Add it with `user add` first.' });
  }
  const organisation = await chooseOrganisation(sql, options.organisation);
  const members = await listMembers(sql, organisation.id);
  const [only] = members;
  if (!only || members.length > 1)
    throw new Fault('config.missing_key', `${organisation.name} has ${members.length} users`, {
      advice: only ? 'Say with --email for whom the token speaks.' : 'Add a user with `user add` first.',
    });
  return { organisationId: organisation.id, id: only.id };
};

const create = async (options: Options): Promise<void> => {
  if (Boolean(options.enrolment) === Boolean(options.api))
    throw new Fault('config.missing_key', 'What is the token for?', {
      advice: 'Give --enrolment (for one agent) or --api (for a program).',
    });
  const made = await withDatabase(options.data, async (sql) => {
    if (options.api) return await createApiToken(sql, await owner(sql, options), options.name, options.expiresInDays);
    const organisation = await chooseOrganisation(sql, options.organisation);
    return await createEnrolmentToken(sql, organisation.id, 'command line');
  });
  // The token alone, so that it can go straight into a file or another program.
  process.stdout.write(
    options.json ? `${JSON.stringify({ token: made.token, expiresAt: made.expiresAt })}\n` : `${made.token}\n`,
  );
};

export const addTokenCommand = (program: Command): void => {
  const token = program.command('token').description('tokens for agents and programs');
  token
    .command('create')
    .description('make a token and print it; it is shown only now')
    .option('--enrolment', 'enrols one agent, within the hour')
    .option('--api', 'for programs that use the API')
    .option('--organisation <name>', 'organisation; default: the only one')
    .option('--email <address>', 'with --api: the user it speaks for; default: the only one')
    .option('--name <name>', 'with --api: what to call it', 'command line')
    .option('--expires-in-days <days>', 'with --api: when it ends; default: never', asDays)
    .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
    .option('--json', 'print JSON, for programs')
    .action(create);
};
