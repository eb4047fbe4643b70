#!/usr/bin/env node
import { Command } from 'commander';
import { BUILD } from '#protocol/build.ts';
import { asFault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { addImportCommands } from './commands/import.ts';
import { addKeyCommand } from './commands/key.ts';
import { addServeCommand } from './commands/serve.ts';
import { addTokenCommand } from './commands/token.ts';
import { addUserCommand } from './commands/user.ts';

const program = new Command('culvert-catalog').description(
  'The catalog: takes in what agents find, and shows it. Its database is PostgreSQL: DATABASE_URL, or one of its own.',
);
if (BUILD) program.version(`${BUILD.version} (${BUILD.commit})`);
addServeCommand(program);
addUserCommand(program);
addTokenCommand(program);
addKeyCommand(program);
addImportCommands(program);

// `culvert-catalog token create | head`: a reader that has seen enough is no defect.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  const { code, message, advice } = asFault(error);
  process.stderr.write(`${printable(`${code}: ${message}`)}\n${printable(advice)}\n`);
  process.exitCode = 1;
}
