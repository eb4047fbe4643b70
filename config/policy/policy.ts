import { JOB_KINDS } from '#protocol/job-options.ts';
import type { KeySpec } from '../connection/key-spec.ts';
import { nearestName } from '../connection/nearest.ts';
import type { Problems } from '../connection/problem.ts';
import type { Values } from '../connection/values.ts';
import type { Place, Tree } from '../tree.ts';
import { type HourWindow, isTimeZone, readWindow } from './hours.ts';

/** A rule with the line that it stands on, which whoever is refused is told. */
export interface Rule<T> {
  readonly value: T;
  readonly at: Pick<Place, 'file' | 'line'>;
}

/** Times of a week by the clocks of a zone. */
export interface ZonedHours {
  readonly windows: readonly HourWindow[];
  /** As they were written. */
  readonly text: string;
  readonly timeZone: string;
}

/** What the administrator of this machine allows; a rule that is absent forbids nothing. */
export interface Policy {
  readonly jobs?: Rule<readonly string[]> | undefined;
  readonly connections?: Rule<readonly string[]> | undefined;
  readonly hours?: Rule<ZonedHours>;
  readonly jobsPerHour?: Rule<number> | undefined;
  readonly scripts?: Rule<boolean> | undefined;
  /** Of the texts of scripts, which lineage alone does not need to send. */
  readonly scriptTexts?: Rule<boolean> | undefined;
  /** Of keeping scripts and expressions on this machine, for lineage without opening apps. */
  readonly keepScripts?: Rule<boolean> | undefined;
  readonly fullCrawls?: Rule<boolean> | undefined;
  readonly inventories?: Rule<boolean> | undefined;
  /** Of previews with real values; absent: not allowed, unless another policy allows them. */
  readonly previews?: Rule<boolean> | undefined;
  readonly remoteLogLevel?: Rule<boolean> | undefined;
}

const KINDS: readonly string[] = JOB_KINDS;

/**
 * Reads the rules below `prefix` (`''` or `policy.`). Whatever is wrong or not known is an error: a rule that is misspelt
 * would allow what it was written to forbid.
 */
export const readPolicy = (
  values: Values,
  keys: readonly KeySpec[],
  prefix: '' | 'policy.',
  block: Tree | undefined,
  problems: Problems,
): Policy => {
  const known = keys.map(({ path }) => path.slice(prefix.length));
  if (block !== undefined && block.type !== 'object' && !(block.type === 'scalar' && block.value === null))
    problems.error(
      'config.invalid',
      block.at,
      'The policy must be a block of keys.',
      'Write policy { scripts = false }.',
    );
  if (block?.type === 'object')
    for (const [key, node] of block.entries)
      if (!known.includes(key) && key !== '$schema')
        problems.error(
          'config.invalid',
          node.at,
          'The policy has no such key, so that nobody can say what it was to forbid.',
          `Write one of ${known.join(', ')}.`,
        );
  // A rule without a value, as a variable that is not set leaves it, is not what its writer meant either.
  for (const key of known) {
    const place = values.placeOf(`${prefix}${key}`);
    if (place && isEmpty(values.node(`${prefix}${key}`)))
      problems.error(
        'config.empty_value',
        place,
        `${prefix}${key} has no value.`,
        'Give it one, or take the line out.',
      );
  }
  const has = (key: string): boolean => known.includes(key);
  const at = (key: string): Place | undefined => values.placeOf(`${prefix}${key}`);
  const ruleOf = <T>(key: string, value: T | undefined): Rule<T> | undefined => {
    const place = at(key);
    return value === undefined || place === undefined ? undefined : { value, at: place };
  };
  const flag = (key: string): Rule<boolean> | undefined =>
    has(key) && !isEmpty(values.node(`${prefix}${key}`)) ? ruleOf(key, values.flag(`${prefix}${key}`)) : undefined;
  const list = (key: string): Rule<readonly string[]> | undefined =>
    has(key) ? ruleOf(key, textsOf(values, `${prefix}${key}`, problems)) : undefined;
  const jobs = list('jobs');
  const kinds = values.node(`${prefix}jobs`);
  for (const [index, kind] of (jobs?.value ?? []).entries()) {
    if (KINDS.includes(kind)) continue;
    const place = (kinds?.type === 'list' ? kinds.items[index]?.at : undefined) ?? at('jobs');
    // What is near a known word is no secret in the wrong place: it may be shown.
    const meant = nearestName(kind.toLowerCase(), KINDS);
    if (meant === undefined)
      problems.error('config.invalid', place, 'This is no kind of job.', `Write ${KINDS.join(' or ')}.`);
    else
      problems.error('config.invalid', place, `"${kind}" is no kind of job. Did you mean ${meant}?`, `Write ${meant}.`);
  }
  return {
    jobs,
    connections: list('connections'),
    ...readHours(values, prefix, list('hours'), problems),
    jobsPerHour: has('jobs_per_hour') ? ruleOf('jobs_per_hour', values.integer(`${prefix}jobs_per_hour`)) : undefined,
    scripts: flag('scripts'),
    scriptTexts: flag('script_texts'),
    keepScripts: flag('keep_scripts'),
    fullCrawls: flag('full_crawls'),
    inventories: flag('inventories'),
    previews: flag('previews'),
    remoteLogLevel: flag('remote_log_level'),
  };
};

const isEmpty = (node: Tree | undefined): boolean =>
  node === undefined || (node.type === 'scalar' && (node.value === null || node.text.trim() === ''));

const readHours = (
  values: Values,
  prefix: string,
  hours: Rule<readonly string[]> | undefined,
  problems: Problems,
): Pick<Policy, 'hours'> => {
  const value = zonedHours(values, `${prefix}hours`, hours?.value, problems);
  return hours === undefined || value === undefined ? {} : { hours: { value, at: hours.at } };
};

/**
 * The hours of the key `path`, which stands beside a `time_zone`; undefined when there are none. What is wrong with either
 * is among the problems.
 */
export const readZonedHours = (values: Values, path: string, problems: Problems): ZonedHours | undefined => {
  const hours = zonedHours(values, path, textsOf(values, path, problems), problems);
  return hours === undefined || hours.windows.length === 0 ? undefined : hours;
};

const zonedHours = (
  values: Values,
  path: string,
  texts: readonly string[] | undefined,
  problems: Problems,
): ZonedHours | undefined => {
  const zone = values.text(`${path.slice(0, path.lastIndexOf('.') + 1)}time_zone`);
  if (zone !== undefined && !isTimeZone(zone.value.trim()))
    problems.error(
      'config.invalid',
      zone.at,
      'There is no such time zone.',
      'Write time_zone = "Europe/Vienna", for instance.',
    );
  if (texts === undefined) return undefined;
  const place = values.placeOf(path);
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (zone === undefined)
    problems.error(
      'config.missing_key',
      place,
      `${name} need time_zone: by whose clocks?`,
      `Add time_zone = "${Intl.DateTimeFormat().resolvedOptions().timeZone}", the zone of this machine, or another one.`,
    );
  const windows: HourWindow[] = [];
  for (const text of texts) {
    const window = readWindow(text);
    if (window) windows.push(window);
    else
      problems.error(
        'config.invalid',
        place,
        `${name} must be a list of times such as "20:00-06:00", "Mon-Fri 20:00-06:00" or "Sat,Sun".`,
      );
  }
  return { windows, text: texts.join(', '), timeZone: zone?.value.trim() ?? 'UTC' };
};

/** A text or a list of texts; undefined when the key has no value. */
const textsOf = (values: Values, path: string, problems: Problems): readonly string[] | undefined => {
  const node = values.node(path);
  if (node === undefined || (node.type === 'scalar' && node.value === null)) return undefined;
  const texts: string[] = [];
  for (const item of node.type === 'list' ? node.items : [node])
    if (item.type === 'scalar' && item.value !== null && item.text.trim() !== '') texts.push(item.text.trim());
    else problems.error('config.invalid', item.at, `${path} must be a list of texts.`);
  return texts;
};
