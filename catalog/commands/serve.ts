import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createCatalog } from '#catalog/catalog.ts';
import { openDatabase } from '#catalog/store/embedded.ts';
import { ensureOrganisation } from '#catalog/store/organisations.ts';
import { Fault } from '#protocol/errors.ts';
import { DATA_HELP, DEFAULT_DATA, noteAddress } from './data-folder.ts';
import { createLog } from './log.ts';
import { wishToStop } from './stop.ts';

interface Options {
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly initOrganisation?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindTlsProxy?: boolean;
  readonly publicHost?: string;
  readonly webRoot?: string;
  readonly standbyAfter: number;
  readonly logLevel: string;
  readonly json?: boolean;
  readonly stopOnStdin?: boolean;
}

const asPort = (text: string): number => {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port is 0 to 65535');
  return port;
};

const asMinutes = (text: string): number => {
  const minutes = Number(text);
  if (!(minutes >= 1 && minutes <= 10_080)) throw new InvalidArgumentError('1 to 10080 minutes');
  return minutes;
};

const readPem = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('config.unreadable', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      advice: 'Check that the file exists and that this user may read it.',
    });
  }
};

/** Closed connections of peers that do not answer, and waits for them, keep a process alive: it gets so long to end. */
const LINGER_MS = 1_000;

const serve = async (options: Options): Promise<void> => {
  try {
    await serveUntilAsked(options);
  } finally {
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
};

const serveUntilAsked = async (options: Options): Promise<void> => {
  const { data, host, port, tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new Fault('config.missing_key', '--tls-cert and --tls-key belong together', {
      advice: 'Give both, or neither.',
    });
  const tls = tlsCert && tlsKey ? { cert: readPem(tlsCert), key: readPem(tlsKey) } : undefined;
  const log = createLog(options.logLevel);
  const stop = wishToStop({ stdin: options.stopOnStdin });

  await using database = await openDatabase(data);
  const catalog = await createCatalog({
    databaseUrl: database.url,
    host,
    port,
    log,
    tls,
    behindTlsProxy: options.behindTlsProxy,
    publicHost: options.publicHost,
    webRoot: options.webRoot,
    standbyAfterMs: options.standbyAfter * 60_000,
    metricsToken: process.env['CULVERT_METRICS_TOKEN'] || undefined,
  });
  const forget = process.env['DATABASE_URL'] ? () => {} : noteAddress(data, catalog.address);
  try {
    if (options.initOrganisation !== undefined) await ensureOrganisation(catalog.store.sql, options.initOrganisation);
    const gateway = catalog.address.replace(/^http/, 'ws');
    // What stands in front of it is what people and agents dial.
    const seen = options.behindTlsProxy && options.publicHost ? `https://${options.publicHost}` : catalog.address;
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ ready: true, address: catalog.address, gateway })}\n`
        : `The catalog is at ${seen}${seen === catalog.address ? '' : `, and listens at ${catalog.address}`}\nAgents connect to ${seen.replace(/^http/, 'ws')}\n`,
    );
    const asked = new Promise<'asked'>((resolve) => {
      if (stop.aborted) resolve('asked');
      stop.addEventListener('abort', () => resolve('asked'), { once: true });
    });
    const why = await Promise.race([asked, database.ended]);
    if (why !== 'asked')
      throw new Fault('catalog.unavailable', `The PostgreSQL of ${data} ended by itself`, {
        advice: 'Start the catalog again; what was committed is there. Look for a full disk or too little memory.',
      });
    log.info({}, 'stopping');
  } finally {
    forget();
    await catalog.close();
  }
};

export const addServeCommand = (program: Command): void => {
  program
    .command('serve')
    .description('run the catalog: API, page and gateway')
    .option('--data <folder>', DATA_HELP, DEFAULT_DATA)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for a free one', asPort, 8090)
    .option('--init-organisation <name>', 'make this organisation when it does not exist')
    .option('--tls-cert <file>', 'certificate (PEM) to serve HTTPS with')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--behind-tls-proxy', 'a proxy before it speaks HTTPS with the world')
    .option('--public-host <host>', 'host (and port) that people use, when it is another one')
    .option(
      '--standby-after <minutes>',
      'how long an agent is gone before one that stands by takes over',
      asMinutes,
      15,
    )
    .option('--web-root <folder>', 'folder of the built page; default dist/web, which npm run build:web makes')
    .addOption(
      new Option('--log-level <level>', 'how much to log')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option('--json', 'print one JSON line when ready, for programs')
    .option('--stop-on-stdin', 'stop at a line `stop` on standard input, and at its end; for service hosts')
    .action(serve);
};
