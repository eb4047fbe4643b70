import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { addMember, createLoginToken, findMember } from '#catalog/store/members.ts';
import { sqlState } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { chooseOrganisation, DATA_HELP, DEFAULT_DATA, notedAddress, withDatabase } from './data-folder.ts';

interface Options {
  readonly data: string;
  readonly email: string;
  readonly name?: string;
  readonly organisation?: string;
  readonly oneTimeLogin?: boolean;
  readonly passwordStdin?: boolean;
  readonly json?: boolean;
}

const SHORTEST_PASSWORD = 12;

const readPassword = async (): Promise<string> => {
  const password = (await readAll(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < SHORTEST_PASSWORD || password.length > 1024)
    throw new Fault('config.invalid', `The password on standard input has ${password.length} characters`, {
      advice: `Give one of ${SHORTEST_PASSWORD} to 1024 characters.`,
    });
  return password;
};

const add = async (options: Options): Promise<void> => {
  if (!/^[^\s@]+@[^\s@]+$/.test(options.email) || options.email.length > 320)
    throw new Fault('config.invalid', `${options.email} is not an e-mail address`, { advice: 'Correct --email.' });
  if (!options.oneTimeLogin && !options.passwordStdin)
    throw new Fault('config.missing_key', 'The user could not log in', {
      advice:
        'Give --one-time-login for a link that works once, or --password-stdin and the password on standard input.',
    });
  const password = options.passwordStdin ? await readPassword() : undefined;
  const added = await withDatabase(options.data, async (sql) => {
    const { email, name } = options;
    let member = await findMember(sql, email);
    if (!member || password !== undefined) {
      const organisation = await chooseOrganisation(sql, options.organisation);
      try {
        await addMember(sql, { organisationId: organisation.id, email, name, password });
      } catch (error) {
        if (sqlState(error) !== '23505') throw error;
        throw new Fault('config.invalid', `There is a user ${email} already`, {
          advice: 'Use --one-time-login alone to make a new link for an existing user.',
        });
      }
      member = await findMember(sql, email);
    } else if (options.organisation !== undefined && member.organisationName !== options.organisation)
      throw new Fault('config.invalid', `${email} belongs to another organisation`, {
        advice: 'An e-mail address belongs to one organisation; use another address.',
      });
    if (!member) throw new Error('the user was not stored');
    return { member, token: options.oneTimeLogin ? await createLoginToken(sql, member) : undefined };
  });
  const path = added.token === undefined ? undefined : `/login#token=${added.token}`;
  const address = notedAddress(options.data);
  const link = path === undefined ? undefined : `${address ?? ''}${path}`;
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ user: added.member.id, organisation: added.member.organisationName, token: added.token, link })}\n`,
    );
  else
    process.stdout.write(
      link === undefined
        ? `${options.email} can log in with the password\n`
        : address === undefined
          ? `This path logs ${options.email} in, once, within a day; put the address of the catalog before it:\n${link}\n`
          : `This link logs ${options.email} in, once, within a day:\n${link}\n`,
    );
};

export const addUserCommand = (program: Command): void => {
  const user = program.command('user').description('users of the catalog');
  user
    .command('add')
    .description('add a user, or make a new one-time login for one')
    .requiredOption('--email <address>', 'e-mail address, the name for logging in')
    .option('--name <name>', 'name to show')
    .option('--organisation <name>', 'organisation; made when it is new; default: the only one')
    .option('--one-time-login', 'print a link that logs in once')
    .option('--password-stdin', 'read the password from standard input')
    .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
    .option('--json', 'print JSON, for programs')
    .action(add);
};
