import { afterAll, beforeAll, expect } from 'vitest';
import { assetKey } from '#protocol/keys.ts';
import type { AssetRecord } from '#protocol/records.ts';
import { isAdmitted } from '#test/simulator/model/access.ts';
import { definitionsIn } from '#test/simulator/model/truth.ts';
import type { App, AppContent, EngineObject } from '#test/simulator/model/types.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

export let simulator: Simulator;
export let crawled: Crawled;
const byKey = new Map<string, AssetRecord>();

type Json = Readonly<Record<string, unknown>>;
export const json = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const attributes = (...path: readonly string[]): Json => {
  const found = byKey.get(`sim/${assetKey(...path)}`);
  if (found === undefined) throw new Error(`no asset ${path.join('/')}`);
  return json(found.attributes);
};
export const named = (...path: readonly string[]): string => byKey.get(`sim/${assetKey(...path)}`)?.name ?? '';

/** The apps that the crawl user may open. */
export const opened = (): readonly { readonly app: App; readonly content: AppContent }[] =>
  simulator.site.apps
    .filter((app) => isAdmitted(app, simulator.site.crawlUser))
    .map((app) => ({ app, content: simulator.site.content(app.id) }));

export const ownerOf = (id: string): unknown => {
  const user = simulator.site.users.find((one) => one.id === id);
  return user === undefined
    ? expect.objectContaining({ id })
    : {
        id,
        name: user.name,
        account: `${user.userDirectory}\\${user.userId}`,
        ...(user.email === null ? {} : { email: user.email }),
      };
};
export const classOf = ({ published, approved }: EngineObject): string =>
  published ? (approved ? 'base' : 'community') : 'private';
export const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  const expression = json(value)['qStringExpression'];
  return typeof expression === 'string' ? expression : String(json(expression)['qExpr'] ?? '');
};
const charts = (object: EngineObject): { readonly chart: EngineObject; readonly parent: EngineObject }[] =>
  object.children.flatMap((chart) => [{ chart, parent: object }, ...charts(chart)]);
export const allCharts = () =>
  opened().flatMap(({ app, content }) =>
    content.sheets.flatMap((sheet) => charts(sheet).map((found) => ({ app, ...found }))),
  );

/** The dimensions and measures of a chart or master visualization with the attributes of each. */
export const columns = () =>
  opened().flatMap(({ app, content }) =>
    [
      ...content.sheets.flatMap((sheet) => charts(sheet).map(({ chart }) => chart)),
      ...content.masterVisualizations,
    ].flatMap((object) => {
      const used = new Map<string, number>();
      return definitionsIn(object.properties).map(({ side, entry, position }) => {
        const inner = json(entry['qDef']);
        const id = typeof inner['cId'] === 'string' && inner['cId'] !== '' ? inner['cId'] : String(position);
        const count = (used.get(side + id) ?? 0) + 1;
        used.set(side + id, count);
        const path = [app.id, object.qId, side, count === 1 ? id : `${id}~${count}`];
        return { app, side, entry, inner, path, found: attributes(...path) };
      });
    }),
  );

/** As many as there have to be for a comparison to mean something. */
export const enough = (count: number, least = 1): void => expect(count).toBeGreaterThanOrEqual(least);

export const all = (seen: Readonly<Record<string, number>>, least = 1): void =>
  expect(Object.entries(seen).filter(([, count]) => count < least)).toEqual([]);

/** One site and one crawl of it for the tests of a file. */
export const crawlASite = (): void => {
  beforeAll(async () => {
    simulator = await simulate({ seed: 3, apps: 24, dimensionTextLists: 'whole' });
    crawled = await crawlSimulated(connectionFor(simulator));
    for (const asset of crawled.assets) byKey.set(asset.key, asset);
  }, 60_000);
  afterAll(() => simulator[Symbol.asyncDispose]());
};
