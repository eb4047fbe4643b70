import { Command } from 'commander';
import { wrap } from '#config/connection/problem.ts';
import { errnoOf } from '#config/durable-file.ts';
import { BUILD } from '#protocol/build.ts';
import { asFault } from '#protocol/errors.ts';
import type { AuditOptions } from './audit.ts';
import type { CrawlOptions } from './crawl.ts';
import type { DoctorOptions } from './doctor.ts';
import type { EncryptOptions } from './encrypt.ts';
import type { EnrollOptions } from './enroll.ts';
import { exitCodeOf, exitCodesHelp, USAGE } from './exit-codes.ts';
import type { ExplainOptions } from './explain.ts';
import type { ImportOptions } from './import.ts';
import type { InitOptions } from './init/init.ts';
import type { InventoryOptions } from './inventory.ts';
import type { JwtOptions } from './jwt.ts';
import type { LineageOptions } from './lineage.ts';
import type { ResetIdentityOptions } from './reset-identity.ts';
import type { RunOptions } from './run.ts';
import type { StatusOptions } from './status.ts';
import type { SupportBundleOptions } from './support-bundle.ts';
import type { ValidateOptions } from './validate.ts';
import { VERSION } from './version.ts';

const DOCTOR_HELP = `
Exit code: 0 when all checks passed, 1 when one failed, 2 for wrong usage.

Nothing is changed at the site, and no data is loaded. A password is sent once.
With the agent's settings the session of the agent is used where there is one.
Without them each run takes one of the five sessions of the user, until the
inactivity time-out of the virtual proxy (30 minutes).`;

/** Each command loads what it needs only when it is called: what is not loaded takes no memory. */
const addCommands = (program: Command): void => {
  const config = ['--config <file>', 'settings of the agent', 'agent.conf'] as const;
  const settings = [
    '--config <file>',
    'settings of the agent, for secrets; default: agent.conf when it is there',
  ] as const;
  program
    .command('run')
    .description('watch the connections folder and do the jobs of the catalog, until stopped')
    .option(...config)
    .option('--json', 'print one JSON line when ready, for programs')
    .option('--stop-on-stdin', 'stop at a line `stop` on standard input, and at its end; for service hosts')
    .action(async (options: RunOptions) => (await import('./run.ts')).run(options));
  program
    .command('enroll')
    .description('make an identity for this machine with a one-time token from the catalog')
    .option(...config)
    .option('--token-file <file>', 'read the token from a file instead of standard input')
    .option('--name <name>', 'name of this agent in the catalog; default: the name of the machine')
    .option('--offline', 'without a way to the catalog: make a request that is carried there by hand')
    .option('--out <file>', 'with --offline: where to write the request; default: standard output')
    .option('--reply <file>', 'take the answer of culvert-catalog agent add to that request')
    .addHelpText('after', '\nThe token may also be in the environment variable CULVERT_ENROL_TOKEN.')
    .action(async (options: EnrollOptions) => (await import('./enroll.ts')).enroll(options));
  program
    .command('reset-identity')
    .description('remove the identity of this machine: for images and copies of machines')
    .option(...config)
    .option('--yes', 'do not ask')
    .option('--same-agent', 'keep the identity and bind it to this machine, which was replaced or restored')
    .addHelpText(
      'after',
      '\nAlso removed: the spool, sessions at Qlik sites and what else belongs to the\nidentity. Refused while an agent runs.',
    )
    .action(async (options: ResetIdentityOptions) => (await import('./reset-identity.ts')).resetIdentity(options));
  program
    .command('status')
    .description('say whether the agent runs and is well: link, connections, jobs, spool, last errors')
    .option(...config)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 it runs and is well, 1 it runs and is not, 3 it does not run.')
    .action(async (options: StatusOptions) => (await import('./status.ts')).status(options));
  program
    .command('support-bundle')
    .description('gather logs, settings and state without secrets into one file, for somebody who helps')
    .option(...config)
    .option('--out <file>', 'where to write it; default: culvert-support-<host>-<time>.zip here')
    .option('--no-doctor', 'without the checks of the doctor, which dial the sites and the catalog')
    .addHelpText(
      'after',
      '\nSecrets are taken out by key and by value; what cannot be parsed is left out.\nNothing is sent anywhere.',
    )
    .action(async (options: SupportBundleOptions) => (await import('./support-bundle.ts')).supportBundle(options));
  program
    .command('validate')
    .description('check a connection file or a connections folder, and the files that they name')
    .argument('[path]', 'file or folder', 'connections')
    .option(...settings)
    .option('--strict', 'warnings count as errors')
    .option('--json', 'print one JSON object: version, files, errors, warnings, ok, connections, problems')
    .addHelpText('after', '\nExit codes: 0 nothing wrong, 1 errors, 2 there was nothing to check.')
    .action(async (path: string, options: ValidateOptions) => (await import('./validate.ts')).validate(path, options));
  program
    .command('doctor')
    .description('walk a connection step by step, from its file to an open app, and say what to do')
    .argument('[code]', 'code of a connection, or a connection file; default: all, and the link to the catalog')
    .option(...config)
    .option('--link', 'look at the link to the catalog, too; without a code: at nothing else')
    .option('--rules', 'print the security rule and the virtual proxy settings that the QMC needs')
    .option('--save-ca <file>', 'write the authority that is missing to trust a server, for a review')
    .option('--timeout <seconds>', 'the most that one check may take')
    .option('--json', 'print one JSON object')
    .addHelpText('after', DOCTOR_HELP)
    .action(async (code: string | undefined, options: DoctorOptions) =>
      (await import('./doctor.ts')).doctor(code, options),
    );
  program
    .command('crawl')
    .description('crawl one site into a file, without any catalog')
    .argument('<file>', 'connection file')
    .option('--out <file>', 'where to write the records (NDJSON), with a summary in <file>.txt')
    .option('--package <file>', 'write one signed file instead, for culvert-catalog import')
    .option('--pictures', 'also draw the sheets; a package always has them')
    .option(...settings)
    .option('--json', 'print the summary as one JSON line')
    .option('--verbose', 'log what is asked')
    .action(async (file: string, options: CrawlOptions) => (await import('./crawl.ts')).crawlToFile(file, options));
  program
    .command('inventory')
    .description('say which streams, apps and sheets the filter of a connection file keeps, rule by rule')
    .argument('<file>', 'connection file')
    .option('--no-sheets', 'streams and apps alone')
    .option('--out <file>', 'also write every stream, app and sheet with its verdict (NDJSON)')
    .option(...settings)
    .option('--json', 'print the counts as one JSON line')
    .option('--verbose', 'log what is asked')
    .addHelpText('after', '\nNo app is opened, nothing is changed at the site, and nothing is sent anywhere.')
    .action(async (file: string, options: InventoryOptions) =>
      (await import('./inventory.ts')).inventory(file, options),
    );
  program
    .command('lineage')
    .description('say where the data of a load script comes from, field by field')
    .argument('[script]', 'file of a load script; with --connection the id or name of an app')
    .option('--json', 'print one JSON object, for programs')
    .option('--expressions <file>', 'instead: the fields of expressions, [{"id", "expression"}] as JSON')
    .option('--includes <folder>', 'where included scripts lie; default: beside the script')
    .option('--mapping <file>', 'values of variables and places, as crawl.lineage_mapping names them')
    .option('--connection <file>', 'connection file of the site of the app')
    .option(...settings)
    .option('--encoding <name>', 'of a script that is not Unicode; default: what it looks like')
    .addHelpText('after', '\nThe script is never run, and nothing is sent anywhere.')
    .action(async (target: string | undefined, options: LineageOptions) =>
      (await import('./lineage.ts')).lineage(target, options),
    );
  program
    .command('init')
    .description('write a commented connection file by asking')
    .option('--out <file>', 'where to write it; default: <code>.conf, in connections/ when there is such a folder')
    .option('--yes', 'ask nothing: take the options below, and the usual for the rest')
    .option('--auth <way>', 'jwt, certificate, windows, header, ticket or token')
    .option('--url <url>', 'https://host/prefix; with certificates https://host:4242')
    .option('--name <name>', 'name that people see')
    .option('--code <code>', 'first part of the key of every asset')
    .option('--user-directory <name>', 'for jwt, certificate and ticket')
    .option('--user-id <name>', 'for jwt, certificate and ticket')
    .option('--key-path <file>', 'for jwt: the private key that signs')
    .option('--certificate <path>', 'for certificate and ticket: folder, PEM or PFX')
    .option('--username <user>', 'for windows: DOMAIN\\user')
    .option('--password-from <where>', 'for windows: env:NAME, file:PATH or encrypted:…')
    .option('--header <name>', 'for header: its name')
    .option('--header-value <user>', 'for header: what it carries')
    .option('--token-file <file>', 'for token: the file of the JWT')
    .option('--truststore <file>', 'authorities to trust: PEM, PKCS12 or JKS')
    .option('--truststore-password-from <where>', 'env:NAME, file:PATH or encrypted:…')
    .option('--proxy <url>', 'http://[user@]host:port; also https, socks5, socks4a')
    .option('--proxy-password-from <where>', 'env:NAME, file:PATH or encrypted:…')
    .addHelpText(
      'after',
      '\nWithout --yes the rest is asked; where there is no terminal, answers are read\nline by line. A secret itself is never taken, only where it is.',
    )
    .action(async (options: InitOptions) => (await import('./init/init.ts')).init(options));
  program
    .command('import')
    .description('turn a file of OpenMetadata or Zeenea into a commented connection file')
    .argument('<file>', 'YAML or JSON of OpenMetadata, .conf of Zeenea')
    .option('--out <file>', 'where to write it (.conf, .yaml or .json); without it to standard output')
    .addHelpText(
      'after',
      '\nNothing is overwritten. Certificates that stand in the file go to files beside\nit. What has no counterpart is left out; a comment says what and why.',
    )
    .action(async (file: string, options: ImportOptions) => (await import('./import.ts')).importFile(file, options));
  program
    .command('schema')
    .description('print the JSON Schema of connection files, of agent.conf or of the policy, for editors')
    .argument('<what>', 'connection, agent or policy')
    .addHelpText(
      'after',
      '\nculvert schema connection > connection.schema.json\n\nYAML, in the first line: # yaml-language-server: $schema=connection.schema.json\nJSON, as a key:          "$schema": "connection.schema.json"',
    )
    .action(async (what: string) => (await import('./schema.ts')).printSchema(what));
  program
    .command('encrypt')
    .description('encrypt a secret for connection files and agent.conf; only this agent can read it again')
    .option(...config)
    .option('--for <code>', 'only the connection with this code can use it')
    .addHelpText(
      'after',
      `
The value is read from standard input, or asked for without being shown. Every
key that holds a secret takes what is printed: password = "encrypted:v1:…".
The key is secrets.key in the state folder; keep a backup of it.`,
    )
    .action(async (options: EncryptOptions) => (await import('./encrypt.ts')).encrypt(options));
  program
    .command('explain')
    .description('say when an app was read last, and why it was read or passed over in the last crawl')
    .argument('<app>', 'id or name of the app')
    .option(...config)
    .option('--connection <code>', 'only in this connection')
    .option('--json', 'print one JSON object')
    .action(async (app: string, options: ExplainOptions) => (await import('./explain.ts')).explain(app, options));
  program
    .command('audit')
    .description('show what left this machine: every batch, with its size, its kinds of records and its hash')
    .option(...config)
    .option('--since <time>', 'a day, a time, or how long ago: 90m, 12h, 7d')
    .option('--connection <code>', 'only what is about this connection')
    .option('--job <id>', 'only what is about this job')
    .option('--json', 'one JSON object a line, as they stand in the log')
    .option('--verify', 'check that no line was changed or taken out; with --json: one JSON object')
    .addHelpText('after', '\nWith --verify the exit code is 0 when the log is whole, 1 when it is not.')
    .action(async (options: AuditOptions) => (await import('./audit.ts')).audit(options));
  program
    .command('jwt')
    .description('tokens that the agent signs itself')
    .command('init')
    .description('make a key and a certificate, and print what the virtual proxy in the QMC wants')
    .option('--out <folder>', 'where to write them', 'jwt')
    .option('--prefix <prefix>', 'prefix of the virtual proxy', 'culvert')
    .option('--host <name>', 'host name of the site, as in connection.url', 'qlik.example.com')
    .option('--user-directory <name>', 'directory of the user that the tokens speak for', 'CULVERT')
    .option('--user-id <name>', 'that user', 'culvert')
    .option('--days <number>', 'how long the certificate is good', '1825')
    .action(async (options: JwtOptions) => (await import('./jwt.ts')).initJwt(options));
};

/** A secret that somebody wrote on the command line is not repeated into a log, besides. */
const withoutValues = (text: string): string =>
  text.replace(/( but got \d+): .*/s, '$1.\n').replace(/(unknown option '--?[\w-]+)=.*'/s, "$1'");

/** The `culvert` command line. Sets the exit code; never throws. */
export const runProgram = async (argv: readonly string[]): Promise<void> => {
  const program = new Command('culvert')
    .description('The agent: runs inside the network of a Qlik Sense site and brings its metadata to the catalog.')
    .version(BUILD ? `${VERSION} (${BUILD.commit})` : VERSION)
    .configureOutput({ outputError: (text, write) => write(withoutValues(text)) })
    .showHelpAfterError('(culvert --help shows what there is)')
    .addHelpText('after', `\n${exitCodesHelp()}`)
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : USAGE);
    });
  addCommands(program);
  // `culvert audit | head`: a reader that has seen enough is no defect.
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    const fault = asFault(error);
    const { code, message, advice } = fault;
    process.stderr.write(`${wrap(`${code}: ${message}`, 80, '')}\n${wrap(advice, 80, '  ')}\n`);
    process.exitCode ??= exitCodeOf(fault);
  }
};
