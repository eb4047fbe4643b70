import type { DeletionPolicy } from '#protocol/job-options.ts';
import { appKey, appsSeen, itemsOf, type Site, scopesOf } from './site.ts';
import { edgeName, type ScopeRow } from './store-rows.ts';

/** By what a thing is known, and what it says without the pass that wrote it. */
type Content = ReadonlyMap<string, string>;

const json = (value: object): string => JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

const atSource = (site: Site, scope: string): Content =>
  new Map(
    itemsOf(site, scope).map((item) => {
      if (item.t === 'asset') return [`asset ${item.key}`, json(item.attributes ?? {})];
      if (item.t === 'edge') return [`edge ${edgeName(item)}`, json(item.attributes ?? {})];
      return [`picture ${item.key}`, item.content];
    }),
  );

/** What stands in a picture of a preview instead of what it shows. */
const PREVIEW = 'preview';

const withoutPass = ({ by: _, ...attributes }: Readonly<Record<string, unknown>>): string => json(attributes);

/** What is there and not marked as gone. */
const inCatalog = (row: ScopeRow | undefined): Content =>
  new Map([
    ...[...(row?.assets.values() ?? [])].flatMap(({ key, attributes, isGone }): [string, string][] =>
      isGone ? [] : [[`asset ${key}`, withoutPass(attributes)]],
    ),
    ...[...(row?.edges ?? [])].map(([name, { attributes }]): [string, string] => [
      `edge ${name}`,
      withoutPass(attributes),
    ]),
    ...[...(row?.pictures.values() ?? [])].flatMap(({ key, source, content }): [string, string][] => {
      const [, text = ''] = Buffer.from(content, 'base64').toString().split(' ');
      return source === 'data' ? [] : [[`picture ${key}`, text]];
    }),
  ]);

/** What of a scope has to agree after a job that was published: all, or what it could see. */
const isSeen = (site: Site, scope: string): ((name: string) => boolean) => {
  if (scope === site.connection)
    return site.lists === 'no users' ? (name) => /^asset .*\/stream\//.test(name) : () => true;
  const app = [...site.apps.keys()].find((one) => appKey(site, one) === scope);
  const fate = app === undefined ? undefined : site.fates.get(app);
  if (fate === 'open') return () => true;
  if (fate === 'lacking') return (name) => /^asset .*\/(?:app-\d|sheet-\d+|source\/\d)$/.test(name);
  return () => false;
};

/**
 * How the catalog differs from the source as a job found it, right after that job was published; nothing when it holds exactly
 * that, as far as the job could see and the policy lets go.
 */
export const differences = (
  site: Site,
  scopes: ReadonlyMap<string, ScopeRow>,
  policy: DeletionPolicy,
): readonly string[] => {
  const found: string[] = [];
  for (const scope of scopesOf(site)) {
    const seen = isSeen(site, scope);
    const wanted = atSource(site, scope);
    const row = scopes.get(scope);
    const there = inCatalog(row);
    // What a preview drew since stays until its sheet is drawn by a crawl again.
    for (const [name, text] of wanted)
      if (seen(name) && there.get(name) !== text && there.get(name) !== PREVIEW)
        found.push(`${name} of ${scope} ${there.has(name) ? 'says something else' : 'is missing'} in the catalog`);
    // What is kept by policy keeps its edges, too.
    for (const name of there.keys())
      if (
        seen(name) &&
        !wanted.has(name) &&
        there.get(name) !== PREVIEW &&
        (policy === 'delete' || (policy === 'flag' && name.startsWith('asset ')))
      )
        found.push(`${name} of ${scope} is in the catalog and not at the source`);
  }
  const vanished = appsSeen(site)
    .filter((app) => site.fates.get(app) === 'vanishing')
    .map((app) => appKey(site, app));
  for (const [key, { connection, kind, isGone }] of scopes) {
    if (connection !== site.connection || kind !== 'app' || isGone) continue;
    const isThere = [...site.apps.keys()].some((app) => appKey(site, app) === key);
    const isListed = site.only === undefined && site.lists !== 'some apps';
    if (vanished.includes(key) || (isListed && !isThere)) found.push(`${key} is in the catalog and not at the source`);
  }
  return found;
};
