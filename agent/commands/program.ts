import { Command } from 'commander';
import { wrap } from '#config/connection/problem.ts';
import { asFault } from '#protocol/errors.ts';
import { addCrawlCommand } from './crawl.ts';
import { addEnrollCommand } from './enroll.ts';
import { addRunCommand } from './run.ts';
import { addValidateCommand } from './validate.ts';
import { VERSION } from './version.ts';

/** Exit codes of the command line: 1 for a mistake that a person must mend, 2 for wrong usage. */
const USAGE = 2;

/** The `culvert` command line. Sets the exit code; never throws. */
export const runProgram = async (argv: readonly string[]): Promise<void> => {
  const program = new Command('culvert')
    .description('The agent: runs inside the network of a Qlik Sense site and brings its metadata to the catalog.')
    .version(VERSION)
    .showHelpAfterError('(culvert --help shows what there is)')
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : USAGE);
    });
  for (const add of [addRunCommand, addEnrollCommand, addValidateCommand, addCrawlCommand]) add(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    const { code, message, advice } = asFault(error);
    process.stderr.write(`${wrap(`${code}: ${message}`, 80, '')}\n${wrap(advice, 80, '  ')}\n`);
    process.exitCode = 1;
  }
};
