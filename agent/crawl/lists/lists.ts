import { customProperties } from './custom-properties.ts';
import { dataConnections } from './data-connections.ts';
import { extensions } from './extensions.ts';
import { reloadTasks } from './reload-tasks.ts';
import type { SiteList } from './site-list.ts';
import { streams } from './streams.ts';
import { tags } from './tags.ts';
import { users } from './users.ts';

/** The lists of the site's scope, in the order in which they are written. */
export const SITE_LISTS: readonly SiteList[] = [
  users,
  streams,
  tags,
  customProperties,
  dataConnections,
  reloadTasks,
  extensions,
];
