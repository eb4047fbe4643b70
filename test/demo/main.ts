// `npm run demo`: a Qlik Sense site, the catalog and an agent on this machine; drops a connection file, runs a crawl
// through the catalog's API, prints what came, and stays up. With `--once --json` it ends when the crawl is published,
// and its last line is one JSON object.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ASSET_KINDS } from '#protocol/records.ts';
import { connectionFile } from './connection-file.ts';
import { buildPage } from './page.ts';
import { Pipe } from './pipe.ts';
import { SimulatedSite } from './site.ts';

/** Kinds of assets that are no part of the site. */
const OUTSIDE: ReadonlySet<string> = new Set(['dataset', 'column']);

const USAGE = `usage: npm run demo -- [--apps N] [--seed N] [--profile NAME] [--port N] [--once] [--json]

  --apps N         apps of the Qlik site (default 12)
  --seed N         another site for another number (default 1)
  --profile NAME   release of Qlik Sense that the site plays (default may-2025)
  --port N         port of the catalog (default: a free one)
  --once           end when the crawl is published
  --json           with --once: the last line is one JSON object with the numbers
`;

const usage = (why: string): never => {
  process.stderr.write(`${why}\n\n${USAGE}`);
  process.exit(2);
};

const numberOf = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    return usage(`--${name} takes a whole number from ${least} to ${most}, not ${text}`);
  }
  return value;
};

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        apps: { type: 'string', default: '12' },
        seed: { type: 'string', default: '1' },
        profile: { type: 'string', default: 'may-2025' },
        port: { type: 'string', default: '0' },
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
};

const options = readArguments();
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const apps = numberOf('apps', options.apps, 1, 100_000);
const seed = numberOf('seed', options.seed, 0, 4_294_967_295);
const port = numberOf('port', options.port, 0, 65_535);

const stop = new AbortController();
// Below npm one Ctrl-C may come twice; SIGHUP: the terminal was closed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// What is still said to a terminal that was closed must not keep the folder from being deleted.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sorted = (counts: Readonly<Record<string, number | undefined>>): Record<string, number> =>
  Object.fromEntries(ASSET_KINDS.flatMap((kind) => (counts[kind] ? [[kind, counts[kind]]] : [])));

const startedMs = Date.now();
await buildPage();
const folder = await mkdtemp(join(tmpdir(), 'culvert-demo-'));
try {
  say(`starting a Qlik Sense site with ${apps} apps (seed ${seed})`);
  await using site = await SimulatedSite.start({ folder: join(folder, 'site'), seed, apps, profile: options.profile });
  await using pipe = await Pipe.start({ folder, port, say });
  const file = join(pipe.connections, 'demo.conf');
  await writeFile(file, connectionFile(site.addresses), { mode: 0o600 });
  say('dropping connections/demo.conf');
  await pipe.connection('demo', ({ status }) => status.state === 'ready');

  say('crawling');
  const crawlStartedMs = Date.now();
  let shown = '';
  const job = await pipe.crawl('demo', ({ state, progress }) => {
    const line = progress
      ? `  ${progress.scopesDone} of ${progress.scopesTotal ?? '?'} scopes, ${progress.records} records`
      : `  ${state}`;
    if (line !== shown) say(line);
    shown = line;
  });
  const seconds = (Date.now() - crawlStartedMs) / 1000;
  if (job.state !== 'published') {
    const why = job.error ? `${job.error.code}: ${job.error.message} ${job.error.advice}` : job.state;
    throw new Error(`the crawl was not published: ${why}`);
  }
  const counts = await pipe.api.counts('demo');
  const truth = await site.ask<{ assets: Record<string, number> }>('/truth');
  const assets = sorted(counts.assets);
  const expected = sorted(truth.assets);

  say(`\npublished in ${seconds.toFixed(1)} s (${((Date.now() - startedMs) / 1000).toFixed(1)} s with all set-up)\n`);
  say(`  ${'kind'.padEnd(22)}${'catalog'.padStart(9)}${'site'.padStart(9)}`);
  for (const kind of new Set([...Object.keys(assets), ...Object.keys(expected)])) {
    const found = assets[kind] ?? 0;
    // What scripts read lies outside of the site, which does not count it.
    const wanted = OUTSIDE.has(kind) ? undefined : (expected[kind] ?? 0);
    const differs = wanted === undefined || found === wanted ? '' : '  differs';
    say(`  ${kind.padEnd(22)}${String(found).padStart(9)}${String(wanted ?? '-').padStart(9)}${differs}`);
  }
  say(
    `\n  scopes: ${Object.entries(job.outcomes)
      .map(([outcome, n]) => `${n} ${outcome}`)
      .join(', ')}`,
  );
  if (job.outcomes['denied'] !== undefined)
    say('  denied: apps that this site keeps from the user of the crawl, as sites do');
  say('');

  if (options.once) {
    if (options.json) {
      const result = { published: true, assets, expected, edges: counts.edges, outcomes: job.outcomes, seconds, seed };
      say(JSON.stringify(result));
    }
  } else {
    say(`Log in (works once):  ${pipe.loginLink}`);
    say(`Edit this file:       ${file}`);
    say('Stop with Ctrl-C.');
    const ended = [site.program, pipe.catalog, pipe.agent].map(async (program) => {
      await program.ended;
      if (!stop.signal.aborted) throw new Error(`${program.name} ended:\n${program.tail()}`);
    });
    await Promise.race([
      new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true })),
      ...ended,
    ]);
    say('\nstopping');
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
