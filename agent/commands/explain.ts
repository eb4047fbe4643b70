import { join } from 'node:path';
import { CHECKPOINT_FOLDER, type Checkpoint, type KnownApp, loadCheckpoints } from '#agent/crawl/delta/checkpoint.ts';
import { changedParts, type Fingerprint, objectCount } from '#agent/crawl/delta/fingerprint.ts';
import { wrap } from '#config/connection/problem.ts';
import { findStateFolder } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';
import { printable, shortened } from '#protocol/printable.ts';

export interface ExplainOptions {
  readonly config: string;
  readonly connection?: string;
  readonly json?: boolean;
}

const WIDTH = 80;

interface Found {
  readonly connection: string;
  readonly crawledAt: string;
  readonly id: string;
  readonly app: KnownApp;
}

const PARTS = {
  modified: 'modified',
  reloaded: 'reloaded',
  published: 'published',
  objects: 'objects',
  owner: 'owner',
  stream: 'stream',
  properties: 'properties',
} as const satisfies Record<keyof Fingerprint, string>;

const line = (label: string, text: string): string => `  ${label.padEnd(12)}${shortened(printable(text), WIDTH - 15)}`;

const shown = (part: keyof Fingerprint, value: string | null): string =>
  value === null ? (part === 'objects' ? 'not known' : 'none') : part === 'objects' ? `${objectCount(value)}` : value;

const screen = ({ connection, crawledAt, id, app }: Found): string => {
  const { fingerprint, before, outcome, readAt, readFor, reason } = app;
  const changed = new Set(before === undefined ? [] : changedParts(before, fingerprint));
  const paragraph = (text: string): string => wrap(printable(shortened(text, 600)), WIDTH, '  ');
  return [
    shortened(`${printable(app.name)} (${id})`, WIDTH),
    '',
    `Last crawl of ${connection}, ${crawledAt}: ${reason.code}`,
    paragraph(reason.message),
    `Read last on ${readAt}: ${outcome}, ${readFor.code}`,
    paragraph(readFor.message),
    ...(app.again
      ? [paragraph('It could not be read whole, for a reason that may have passed: the next crawl reads it.')]
      : []),
    'It is read again when one of these changes:',
    ...Object.entries(PARTS).flatMap(([name, label]) => {
      const part = name as keyof Fingerprint;
      const now = line(label, shown(part, fingerprint[part]));
      return before !== undefined && changed.has(part) ? [now, line('  before', shown(part, before[part]))] : [now];
    }),
    '',
  ].join('\n');
};

const matching = (checkpoint: Checkpoint, wanted: string): Found[] => {
  const lower = wanted.toLowerCase();
  const found = checkpoint.apps.filter(([id, { name }]) => id.toLowerCase() === lower || name.toLowerCase() === lower);
  return found.map(([id, app]) => ({ connection: checkpoint.code, crawledAt: checkpoint.writtenAt, id, app }));
};

const SIMILAR = 5;

const unknown = (wanted: string, checkpoints: readonly Checkpoint[]): Fault => {
  const part = wanted.trim().toLowerCase();
  const similar = checkpoints
    .flatMap(({ apps }) => apps.map(([, { name }]) => name))
    .filter((name) => part !== '' && name.toLowerCase().includes(part));
  const names = [...new Set(similar)].slice(0, SIMILAR).map((name) => `"${shortened(printable(name), 60)}"`);
  const none = 'No crawl for a catalog has left its state here yet: the next one does.';
  const advice = names.length > 0 ? `Did you mean ${names.join(', ')}?` : 'Give the id or the whole name of an app.';
  return new Fault('config.invalid', `The last crawls of this agent know no app ${printable(wanted)}`, {
    advice: checkpoints.length === 0 ? none : advice,
  });
};

/**
 * Says from the state folder when an app was read last and why it was read or passed over in the last crawl.
 *
 * @throws Fault when no crawl of this agent knows the app
 */
export const explain = async (wanted: string, { config, connection, json }: ExplainOptions): Promise<void> => {
  const stateFolder = findStateFolder(config);
  if (stateFolder === undefined)
    throw new Fault('config.unreadable', `${config} cannot be read`, {
      advice: 'Name the settings of the agent with --config.',
    });
  const checkpoints = (await loadCheckpoints(join(stateFolder, CHECKPOINT_FOLDER))).filter(
    ({ code }) => connection === undefined || code === connection,
  );
  const found = checkpoints.flatMap((checkpoint) => matching(checkpoint, wanted));
  const rejected = checkpoints.flatMap(({ code, rejected: all }) =>
    all.flatMap(([id, name, rule]) =>
      id === wanted || name.toLowerCase() === wanted.toLowerCase() ? [{ connection: code, id, name, rule }] : [],
    ),
  );
  if (found.length + rejected.length === 0) throw unknown(wanted, checkpoints);
  if (json) {
    process.stdout.write(`${JSON.stringify({ apps: found, rejected }, null, 2)}\n`);
    return;
  }
  for (const one of found) process.stdout.write(`${screen(one)}\n`);
  for (const { connection: code, id, name, rule } of rejected)
    process.stdout.write(
      `${wrap(printable(`${name} (${id}) of ${code} is not crawled: ${rule || 'no rule keeps it'}`), WIDTH, '')}\n`,
    );
};
