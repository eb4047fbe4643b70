import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readEd25519, signatureHolds } from '#catalog/jobs/ed25519.ts';
import { importPackage } from '#catalog/jobs/import-package.ts';
import { addOfflineAgent } from '#catalog/store/offline-agents.ts';
import { keyId } from '#catalog/store/organisations.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import { fingerprint, OfflineRequest, offlineRequestText } from '#protocol/package.ts';
import { printable } from '#protocol/printable.ts';
import { chooseOrganisation, DATA_HELP, DEFAULT_DATA, withDatabase } from './data-folder.ts';
import { createLog } from './log.ts';

interface Options {
  readonly data: string;
  readonly organisation?: string;
  readonly json?: boolean;
}

/** Exit codes of `import`, for programs; all else that fails ends in 1. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  'package.damaged': 3,
  'package.untrusted': 4,
  'package.replayed': 5,
  'package.version': 6,
};

const HELP = `
All of it is verified before anything is published. Exit codes: 0 imported (or
imported before), 1 not, 3 damaged or cut, 4 signed by no agent that is trusted
here, 5 older than the last one, 6 of another format, 7 published in part.`;

const importFile = async (path: string, options: Options & { readonly force?: boolean }): Promise<void> => {
  try {
    const { header, end, jobId, error } = await withDatabase(options.data, async (sql) => {
      const { id } = await chooseOrganisation(sql, options.organisation);
      return await importPackage(sql, sql, createLog('warn'), id, path, options.force === true);
    });
    const { connection, createdAt } = header;
    const told = { imported: jobId !== undefined, job: jobId ?? null, connection: connection.code, createdAt };
    if (options.json)
      process.stdout.write(`${JSON.stringify({ ...told, records: end.records, error: error ?? null })}\n`);
    else if (jobId === undefined) process.stdout.write(`This package was imported before; nothing changed.\n`);
    else
      process.stdout.write(
        `${printable(`${end.records} records of ${connection.code}, of ${createdAt}, imported as job ${jobId}.`)}\n`,
      );
    if (error !== undefined) tell(error, 7);
  } catch (error) {
    const code = error instanceof Fault ? EXIT_CODES[error.code] : undefined;
    if (!(error instanceof Fault) || code === undefined) throw error;
    tell(error, code);
  }
};

const tell = ({ code, message, advice }: ErrorInfo, exitCode: number): void => {
  process.stderr.write(`${printable(`${code}: ${message}`)}\n${printable(advice)}\n`);
  process.exitCode = exitCode;
};

const refused = (why: string): Fault =>
  new Fault('api.invalid_request', `The request ${why}`, {
    advice: 'Take the file that culvert enroll --offline wrote, unchanged.',
  });

const readRequest = (path: string): { readonly request: OfflineRequest; readonly publicKey: Buffer } => {
  let said: unknown;
  try {
    said = JSON.parse(readFileSync(path, 'utf8').slice(0, 64 * 1024));
  } catch (cause) {
    throw new Fault('api.invalid_request', `The request ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const request = OfflineRequest.safeParse(said);
  if (!request.success) throw refused('is none of an agent');
  const publicKey = readEd25519(request.data.publicKey);
  if (!publicKey || !signatureHolds(publicKey, offlineRequestText(request.data), request.data.proof))
    throw refused('was changed, or its key is none');
  return { request: request.data, publicKey };
};

const addAgent = async (path: string, options: Options & { readonly out?: string }): Promise<void> => {
  const { request, publicKey } = readRequest(path);
  const reply = await withDatabase(options.data, async (sql) =>
    addOfflineAgent(sql, await chooseOrganisation(sql, options.organisation), request, publicKey),
  );
  const text = `${JSON.stringify(reply, undefined, 2)}\n`;
  if (options.out === undefined) process.stdout.write(text);
  else writeFileSync(options.out, text);
  process.stderr.write(
    printable(`Registered ${request.name} as agent ${reply.agentId} of ${reply.organisation}.`) +
      `\nKey of that machine: ${fingerprint(keyId(publicKey))}\nCompare it with what culvert enroll --offline showed; if it is another, revoke the agent.` +
      `\nKey of this catalog: ${fingerprint(keyId(Buffer.from(reply.catalogKey, 'base64')))}\nculvert enroll --reply shows it: if it is another there, the answer was changed on its way.\n`,
  );
};

/** `import` for packages, `agent add` for agents that never reach the catalog. */
export const addImportCommands = (program: Command): void => {
  program
    .command('import')
    .description('publish a package that culvert crawl --package made')
    .argument('<file>', 'the package')
    .option('--organisation <name>', 'organisation; default: the only one')
    .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
    .option('--force', 'also one that is older than the last one, or was imported before')
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', HELP)
    .action(importFile);
  program
    .command('agent')
    .description('agents that cannot reach the catalog')
    .command('add')
    .description('register the agent that made a request with culvert enroll --offline')
    .argument('<request>', 'the file of the request')
    .option('--organisation <name>', 'organisation; default: the only one')
    .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
    .option('--out <file>', 'where to write the answer; default: standard output')
    .action(addAgent);
};
