import type { Filter } from '#config/filter/filter.ts';
import { streamItem } from '#config/filter/item.ts';
import type { SiteContext, SiteList, SiteRow } from './site-list.ts';

/** The {@link SiteContext.namedApps} of these apps. */
export const namedApps = (filter: Filter, apps: readonly { readonly id: string }[]): ReadonlySet<string> | undefined =>
  filter.rules.length === 0 ? undefined : new Set(apps.map(({ id }) => id.toLowerCase()));

/**
 * True for a row of a list that is no asset: a stream that the filter rejects, or the reload task of an app that is not
 * kept, since a task is called as its app is.
 */
export const isLeftOut = (
  list: Pick<SiteList, 'kind'>,
  row: SiteRow & { readonly name?: string; readonly app?: { readonly id: string } | null },
  context: Pick<SiteContext, 'filter' | 'namedApps'>,
): boolean => {
  if (list.kind === 'stream') return !context.filter.judge(streamItem({ id: row.id, name: row.name ?? '' })).kept;
  return list.kind === 'reloadTask' && !mayName(context, row.app);
};

/** Whether an app may be named. */
export const mayName = (
  { namedApps: named }: Pick<SiteContext, 'namedApps'>,
  app: { readonly id: string } | null | undefined,
): boolean => named === undefined || app === undefined || app === null || named.has(app.id.toLowerCase());
