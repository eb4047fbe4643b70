import { statSync } from 'node:fs';
import { loadIdentity } from '#agent/bridge/identity.ts';
import { RecordGate, type RecordLines } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { createLog } from '#agent/operations/log.ts';
import type { Log } from '#agent/qlik/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { describeWay } from '#config/proxy.ts';
import type { Settings } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';
import { CrawlOptions as AskedOptions } from '#protocol/job-options.ts';
import { printable } from '#protocol/printable.ts';
import { connectionOfFile } from './connection-of-file.ts';
import { SummarisedLines } from './crawl-summary.ts';
import { writeOwnFile } from './own-file.ts';
import { PackageFile } from './package-file.ts';
import { PolicyInForce, type ScriptRules } from './policy.ts';
import { RecordFile } from './record-file.ts';
import { settingsFor } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { untilStopped } from './stop.ts';
import { VERSION } from './version.ts';

export interface CrawlOptions {
  readonly out?: string;
  /** One signed file for the catalog instead of records. */
  readonly package?: string;
  readonly pictures?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Where the records go: a file of lines, or a package for the catalog. */
interface Target {
  readonly path: string;
  readonly lines: RecordLines & AsyncDisposable & { close(): Promise<unknown> };
}

const openTarget = async (options: CrawlOptions, connection: Connection): Promise<Target> => {
  const { out, package: path } = options;
  if (out !== undefined && path === undefined) return { path: out, lines: new RecordFile(out) };
  if (path === undefined || out !== undefined)
    throw new Fault('config.missing_key', 'A crawl into a file needs --out or --package, and not both', {
      advice: 'Use --out FILE for records to read, --package FILE for one that culvert-catalog import takes.',
    });
  const settings = settingsFor(options.config);
  if (settings === undefined)
    throw new Fault(
      'bridge.not_enrolled',
      'A package is signed by an enrolled agent, and there are no settings of one',
      {
        advice: 'Name them with --config; without a way to the catalog, use `culvert enroll --offline` first.',
      },
    );
  const identity = await loadIdentity(settings.stateFolder);
  const { code, name, displayUrl: url } = connection;
  const header = { connection: { code, name, url }, agentVersion: VERSION, createdAt: new Date().toISOString() };
  return { path, lines: await PackageFile.open(path, identity, header) };
};

/** What leaves for a catalog in a package is bound by the same policies as what leaves by the link. */
const packageRules = (
  settings: Settings | undefined,
  { policy, code }: Connection,
  log: Log,
): ScriptRules | undefined =>
  settings &&
  new PolicyInForce({ file: settings.policy, ofConnection: () => policy, nowMs: Date.now, log }).scriptsOf(code);

/**
 * Crawls one site into a file, without a catalog; what a person sees of it goes to standard error and output.
 *
 * @throws Fault for a file that cannot be used, and what ends a crawl as a whole
 */
export const crawlToFile = async (file: string, options: CrawlOptions): Promise<void> => {
  const dialer = new Dialer();
  const log = createLog({ level: options.verbose ? 'debug' : 'warn' });
  await using sessions = new VisitorSessions(settingsFor(options.config), dialer, log);
  const connection = await connectionOfFile(file, sessions.secrets);
  log.info({ url: connection.displayUrl, way: describeWay(connection.proxy, connection.origin) }, 'crawl started');
  const stop = new AbortController();
  void untilStopped().then(() =>
    stop.abort(new Fault('job.cancelled', 'The crawl was stopped', { advice: 'Run it again for the whole site.' })),
  );
  await using site = openSite(connection, { dialer, log, signal: stop.signal });
  const target = await openTarget(options, connection);
  await using records = target.lines;
  await using interpreter = new LineageProcess();
  const lines = new SummarisedLines(records);
  const pictures = options.pictures === true || options.package !== undefined;
  const may = options.package === undefined ? undefined : packageRules(settingsFor(options.config), connection, log);
  const summary = await crawl(site, connection, new RecordGate(lines), {
    signal: stop.signal,
    filter: connection.filter,
    scripts: may?.read,
    lineage: { process: interpreter, withTexts: may?.texts !== false },
    asked: AskedOptions.parse({ mode: 'full', pictures }),
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
  const { path } = target;
  const report = lines.report(`${connection.name} (${connection.code}), ${connection.displayUrl}`, summary);
  // Beside the records, for whoever gets them; where that is no file, as a pipe, only here.
  if (statSync(path).isFile()) writeOwnFile(`${path}.txt`, report);
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ out: path, ...summary, lineagePeakRssBytes: interpreter.peakRssBytes })}\n`,
    );
  else process.stdout.write(`${report}\nWritten to ${printable(path)}\n`);
};
