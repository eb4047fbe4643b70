import { readApp } from '#agent/crawl/app-content.ts';
import { siteAppContext } from '#agent/crawl/app-context.ts';
import { siteContext } from '#agent/crawl/lists/site-list.ts';
import { rememberSite } from '#agent/crawl/site-scope.ts';
import type { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import type { ScriptLineage } from '#agent/lineage/result.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { createLog } from '#agent/operations/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import { Fault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { connectionOfFile } from './connection-of-file.ts';
import { settingsFor } from './secrets.ts';
import { VisitorSessions } from './sessions.ts';
import { untilStopped } from './stop.ts';

/**
 * The lineage of an app's script, read from its site with all that surrounds it there. The app is opened without its data.
 *
 * @throws Fault for a connection file that cannot be used, an app that is not there or may not be read, and a script that is
 * not visible
 */
export const lineageOfApp = async (
  wanted: string,
  file: string,
  config: string | undefined,
  interpreter: LineageProcess,
): Promise<{ readonly name: string; readonly lineage: ScriptLineage }> => {
  const dialer = new Dialer();
  const log = createLog({ level: 'warn' });
  await using sessions = new VisitorSessions(settingsFor(config), dialer, log);
  const connection = await connectionOfFile(file, sessions.secrets);
  const stop = new AbortController();
  const { signal } = stop;
  void untilStopped().then(() => stop.abort(new Fault('job.cancelled', 'It was stopped', { advice: 'Run it again.' })));
  await using site = openSite(connection, { dialer, log, signal });
  const lower = wanted.toLowerCase();
  const { rows } = await site.apps();
  const found = rows.filter(({ id, name }) => id.toLowerCase() === lower || name.toLowerCase() === lower);
  const [row] = found;
  if (row === undefined)
    throw new Fault('qlik.not_found', `The user sees no app ${printable(wanted)} on this site`, {
      advice: 'Give the id or the whole name of an app.',
    });
  if (found.length > 1)
    throw new Fault('config.invalid', `${found.length} apps are called ${printable(wanted)}`, {
      advice: `Give the id of one: ${found
        .slice(0, 5)
        .map(({ id }) => id)
        .join(', ')}.`,
    });
  const context = siteAppContext(site, connection, {
    filter: undefined,
    lineage: { process: interpreter, withTexts: true },
    signal,
  });
  await rememberSite(site, siteContext(context));
  const content = await readApp(site, row, signal);
  const lacking = content.gaps.missing.find(({ what }) => what === 'load script');
  if (content.script.trim() === '')
    throw new Fault('qlik.script_not_visible', lacking?.message ?? `The app ${printable(row.name)} has no load script`);
  const made = await context.lineage?.of(row, content);
  if (made === undefined) throw new Error('there is no lineage without means');
  if (made.fault !== undefined) throw made.fault;
  return { name: row.name, lineage: made.lineage };
};
