import { RecordGate } from '#agent/bridge/record-gate.ts';
import { ruleTexts, takeInventory } from '#agent/crawl/inventory.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { createLog } from '#agent/operations/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import { Fault } from '#protocol/errors.ts';
import { connectionOfFile } from './connection-of-file.ts';
import { filterInForce } from './filter-in-force.ts';
import { InventorySummary } from './inventory-summary.ts';
import { RecordFile } from './record-file.ts';
import { settingsFor } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { untilStopped } from './stop.ts';

export interface InventoryOptions {
  readonly out?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** False: `--no-sheets`. */
  readonly sheets: boolean;
}

/**
 * Says which streams, apps and sheets of a site the filter of a connection file keeps, rule by rule. Nothing is sent anywhere
 * and no app is opened.
 *
 * @throws Fault for a file that cannot be used, a site that cannot be reached, and lists that were not whole
 */
export const inventory = async (file: string, options: InventoryOptions): Promise<void> => {
  const dialer = new Dialer();
  const log = createLog({ level: options.verbose === true ? 'debug' : 'warn' });
  await using sessions = new VisitorSessions(settingsFor(options.config), dialer, log);
  const connection = await connectionOfFile(file, sessions.secrets);
  const filter = filterInForce(connection, undefined);
  const stop = new AbortController();
  void untilStopped().then(() =>
    stop.abort(new Fault('job.cancelled', 'The inventory was stopped', { advice: 'Run it again for the whole site.' })),
  );
  await using site = openSite(connection, { dialer, log, signal: stop.signal });
  await using records = options.out === undefined ? undefined : new RecordFile(options.out);
  const gate = records === undefined ? undefined : new RecordGate(records);
  const rules = ruleTexts(filter);
  const summary = new InventorySummary(rules);
  await gate?.write({ t: 'inventory', rules });
  for await (const items of takeInventory(site, filter, options))
    for (const item of items) {
      summary.add(item);
      await gate?.write(item);
    }
  await records?.close();
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ code: connection.code, kept: summary.kept, rejected: summary.rejected, rules: summary.rules })}\n`,
    );
  else process.stdout.write(summary.text(connection.code, Math.min(process.stdout.columns ?? 80, 120)));
};
