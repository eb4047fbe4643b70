import { type FindingQuery, listFindings } from '#catalog/store/findings.ts';
import type { AssetRecord, EdgeRecord, OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords } from './agent.ts';
import type { World } from './world.ts';

export type Attributes = NonNullable<AssetRecord['attributes']>;
type Body = readonly (AssetRecord | EdgeRecord)[];
interface AppSaid {
  readonly attributes?: Attributes;
  readonly body?: Body;
  readonly outcome?: Partial<OutcomeRecord>;
}

const DAY_MS = 86_400_000;
export const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
export const ann = { id: 'u1', name: 'Ann', account: 'ACME\\ann' };
export const well: Attributes = { owner: ann, lastReload: ago(0.1) };
export const user = (id: string, more: Attributes = {}): AssetRecord =>
  asset('prod', `prod/user/${id}`, 'user', `User ${id}`, 'prod', more);
export const uses = (scope: string, from: string, to: string): EdgeRecord => ({
  t: 'edge',
  scope,
  kind: 'uses',
  from: `${scope}/${from}`,
  to: `${scope}/${to}`,
});
export const inApp = (
  app: string,
  id: string,
  kind: AssetRecord['kind'],
  name: string,
  attributes?: Attributes,
): AssetRecord => asset(`prod/${app}`, `prod/${app}/${id}`, kind, name, `prod/${app}`, attributes);

export const site = (apps: readonly string[], body: Body = [], outcome: Partial<OutcomeRecord> = {}): StreamRecord[] =>
  scopeRecords(
    'prod',
    'site',
    [
      asset('prod', 'prod', 'site', 'Site prod'),
      user('u1'),
      ...body,
      ...apps.map((app) => ({ t: 'listed', scope: 'prod', key: `prod/${app}`, name: app }) as const),
    ],
    outcome,
  );

export const app = (id: string, { attributes = well, body = [], outcome }: AppSaid): StreamRecord[] =>
  scopeRecords(
    `prod/${id}`,
    'app',
    [asset(`prod/${id}`, `prod/${id}`, 'app', `App ${id}`, 'prod', attributes), ...body],
    outcome,
  );

/** A site with apps, crawled as often as one likes. */
export const sited = async (world: World) => {
  const entered = await world.enter('prod');
  const { organisationId } = entered;
  const find = async (query: FindingQuery = {}) =>
    (await listFindings(world.sql, organisationId, { ...query, limit: 500 })).items;
  const crawl = async (apps: Record<string, AppSaid>, siteBody: Body = [], outcome: Partial<OutcomeRecord> = {}) => {
    const { stream } = await world.crawl(entered, 'prod');
    await stream.publish(site(Object.keys(apps), siteBody, outcome));
    for (const [id, said] of Object.entries(apps)) await stream.publish(app(id, said));
    await stream.finish();
    return find();
  };
  const told = async (query?: FindingQuery) => (await find(query)).map(({ code, key }) => `${code} ${key}`);
  return { ...entered, find, crawl, told };
};
