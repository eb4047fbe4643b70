import type { AssetSummary, Edge } from '#catalog/api/contract.ts';
import { withQuery } from './api.ts';

type AssetKind = AssetSummary['kind'];

/** What each kind of asset is called, one and many, in the order in which a person looks for them. */
const KINDS = {
  site: ['Site', 'Sites'],
  stream: ['Stream', 'Streams'],
  app: ['App', 'Apps'],
  sheet: ['Sheet', 'Sheets'],
  chart: ['Chart', 'Charts'],
  chartDimension: ['Chart dimension', 'Chart dimensions'],
  chartMeasure: ['Chart measure', 'Chart measures'],
  masterDimension: ['Master dimension', 'Master dimensions'],
  masterMeasure: ['Master measure', 'Master measures'],
  masterVisualization: ['Master visualization', 'Master visualizations'],
  variable: ['Variable', 'Variables'],
  bookmark: ['Bookmark', 'Bookmarks'],
  story: ['Story', 'Stories'],
  script: ['Load script', 'Load scripts'],
  scriptSection: ['Script section', 'Script sections'],
  table: ['Table', 'Tables'],
  field: ['Field', 'Fields'],
  dataConnection: ['Data connection', 'Data connections'],
  reloadTask: ['Reload task', 'Reload tasks'],
  extension: ['Extension', 'Extensions'],
  user: ['User', 'Users'],
  tag: ['Tag', 'Tags'],
  customProperty: ['Custom property', 'Custom properties'],
  dataset: ['Dataset', 'Datasets'],
  column: ['Column', 'Columns'],
} as const satisfies Record<AssetKind, readonly [string, string]>;

export const KIND_ORDER = Object.keys(KINDS) as readonly AssetKind[];

export const kindName = (kind: AssetKind): string => KINDS[kind]?.[0] ?? kind;
export const kindPlural = (kind: AssetKind): string => KINDS[kind]?.[1] ?? kind;

/** What an edge says, read from its near end: out and in. */
export const EDGES = {
  uses: { out: 'Uses', in: 'Used by' },
  contains: { out: 'Contains', in: 'Contained in' },
  derives: { out: 'Derived from', in: 'Feeds' },
  produces: { out: 'Produces', in: 'Produced by' },
  loads: { out: 'Loads', in: 'Loaded by' },
  owns: { out: 'Owns', in: 'Owned by' },
} as const satisfies Record<Edge['kind'], { readonly out: string; readonly in: string }>;

export const assetLink = (key: string): string => `/asset?${new URLSearchParams({ key })}`;
/** The site of a connection. Its key is the code, unless the code holds characters that a key encodes. */
export const siteLink = (code: string): string =>
  /^[A-Za-z0-9._-]{1,64}$/.test(code) ? assetLink(code) : `/browse?${new URLSearchParams({ connection: code })}`;
export const connectionLink = (code: string): string => `/connections/${encodeURIComponent(code)}`;
export const settingsLink = (code: string): string => `${connectionLink(code)}/settings`;
/** The findings of a connection, narrowed by what the page can narrow by. */
export const findingsLink = (code: string, query: Record<string, string> = {}): string =>
  withQuery(`${connectionLink(code)}/findings`, query);
export const runForLink = (code: string): string => `${connectionLink(code)}/run`;
/** Id of the thing behind a key, as Qlik knows it: the last part, decoded. */
export const idOfKey = (key: string): string => {
  const last = key.slice(key.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
};
export const jobLink = (id: string): string => `/jobs/${encodeURIComponent(id)}`;
