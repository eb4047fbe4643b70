import { Command } from 'commander';
import { BUILD } from '#protocol/build.ts';
import { asFault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { addImportCommands } from './import.ts';
import { addKeyCommand } from './key.ts';
import { addServeCommand } from './serve.ts';
import { addTokenCommand } from './token.ts';
import { addUserCommand } from './user.ts';

/** Runs the command that `argv` (as `process.argv`) names; a fault is printed with its advice and ends with exit code 1. */
export const runProgram = async (argv: readonly string[]): Promise<void> => {
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
    await program.parseAsync(argv);
  } catch (error) {
    const { code, message, advice } = asFault(error);
    process.stderr.write(`${printable(`${code}: ${message}`)}\n${printable(advice)}\n`);
    process.exitCode = 1;
  }
};
