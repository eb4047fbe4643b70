#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { asFault } from '#protocol/errors.ts';
import { addServeCommand } from './commands/serve.ts';
import { addTokenCommand } from './commands/token.ts';
import { addUserCommand } from './commands/user.ts';

/** Exit codes: 1 for a mistake that a person must mend, 2 for wrong usage. */
const USAGE = 2;
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('culvert-catalog')
  .description(
    'The catalog: takes in what agents find, and shows it. Its database is PostgreSQL: DATABASE_URL, or one of its own.',
  )
  .version(version)
  .showHelpAfterError('(culvert-catalog --help shows what there is)')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : USAGE);
  });
addServeCommand(program);
addUserCommand(program);
addTokenCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  const { code, message, advice } = asFault(error);
  process.stderr.write(`${code}: ${message}\n${advice}\n`);
  process.exitCode = 1;
}
