import { basename, dirname, resolve } from 'node:path';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { createLog } from '#agent/operations/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { describeWay } from '#config/proxy.ts';
import type { Secrets } from '#config/secrets/secrets.ts';
import { Fault } from '#protocol/errors.ts';
import { RecordFile } from './record-file.ts';
import { settingsFor } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { MEND } from './settings.ts';
import { untilStopped } from './stop.ts';

export interface CrawlOptions {
  readonly out: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const readConnection = async (file: string, secrets: Secrets): Promise<Connection> => {
  const parsed = await loadConnectionFile(basename(file), { folder: dirname(resolve(file)), secrets });
  if (parsed === undefined)
    throw new Fault('config.unreadable', `There is no file ${file}`, { advice: 'Name one connection file.' });
  for (const problem of parsed.problems)
    process.stderr.write(`${formatProblem(problem, process.stderr.columns ?? 80)}\n`);
  if (parsed.connection === undefined) throw new Fault('config.invalid', `${file} cannot be used`, { advice: MEND });
  return parsed.connection;
};

const table = (title: string, counts: Readonly<Partial<Record<string, number>>>): string =>
  [`${title}:`, ...Object.entries(counts).map(([name, n]) => `  ${name.padEnd(22)}${String(n).padStart(9)}`)].join(
    '\n',
  );

/**
 * Crawls one site into a file, without a catalog; what a person sees of it goes to standard error and output.
 *
 * @throws Fault for a file that cannot be used, and what ends a crawl as a whole
 */
export const crawlToFile = async (file: string, options: CrawlOptions): Promise<void> => {
  const dialer = new Dialer();
  const log = createLog({ level: options.verbose ? 'debug' : 'warn' });
  await using sessions = new VisitorSessions(settingsFor(options.config), dialer, log);
  const connection = await readConnection(file, sessions.secrets);
  log.info({ url: connection.displayUrl, way: describeWay(connection.proxy, connection.origin) }, 'crawl started');
  const stop = new AbortController();
  void untilStopped().then(() =>
    stop.abort(new Fault('job.cancelled', 'The crawl was stopped', { advice: 'Run it again for the whole site.' })),
  );
  await using site = openSite(connection, { dialer, log, signal: stop.signal });
  await using records = new RecordFile(options.out);
  const summary = await crawl(site, connection, new RecordGate(records), {
    signal: stop.signal,
    log,
    onProgress: ({ appsDone, appsTotal, records, slowed }) => {
      if (process.stderr.isTTY) {
        const how = slowed === undefined ? '' : ` (${slowed.text})`;
        process.stderr.write(`\r\u001b[K${appsDone} of ${appsTotal ?? '?'} apps, ${records} records${how}`);
      }
    },
  });
  await records.close();
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (options.json) process.stdout.write(`${JSON.stringify({ out: options.out, ...summary })}\n`);
  else {
    const seconds = (summary.durationMs / 1000).toFixed(1);
    process.stdout.write(
      `${summary.records} records of ${connection.code} in ${seconds} s, written to ${options.out}\n`,
    );
    process.stdout.write(`${table('scopes', summary.outcomes)}\n${table('assets', summary.assets)}\n`);
  }
};
