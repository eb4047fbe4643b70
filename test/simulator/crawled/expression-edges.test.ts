import { expect, test } from 'vitest';
import { assetKey } from '#protocol/keys.ts';
import type { EdgeRecord } from '#protocol/records.ts';
import { all, columns, crawlASite, crawled, json, list, simulator } from './crawled-apps.ts';

/** Edges from measures to the fields that they use, against what the simulator's generator of expressions meant by each. */
crawlASite();

const N = String.raw`(\[(?:[^\]]|\]\])+\]|[A-Za-z_]\w*)`;
/** What the generator writes, and which of its parts is used for what. */
const MEASURES: readonly (readonly [string, readonly string[]])[] = [
  [`(?:Sum|Avg)\\(${N}\\)`, ['value']],
  [`Count\\(DISTINCT ${N}\\)`, ['value']],
  [`=Sum\\({<${N}={\\$\\(vCurrentYear\\)}>} ${N}\\)`, ['filter', 'value']],
  [`Sum\\({\\$<${N}={'A\\*','B'}, ${N}={".*"}>} ${N}\\)`, ['filter', 'filter', 'value']],
  [`Sum\\(${N}\\) / Sum\\(TOTAL <${N}> ${N}\\)`, ['value', 'dimension', 'value']],
  [`Sum\\(${N}\\) / Sum\\(TOTAL ${N}\\)`, ['value', 'value']],
  [`Sum\\(Aggr\\(Max\\(${N}\\), ${N}, \\(${N}, \\(NUMERIC, ASCENDING\\)\\)\\)\\)`, ['value', 'dimension', 'dimension']],
  [`\\$\\(vMargin\\(Sum\\(${N}\\), Sum\\(${N}\\)\\)\\)`, ['value', 'value']],
  [`Sum\\({1-\\$<${N}=P\\({<${N}={'x'}>} ${N}\\)>} ${N}\\)`, ['filter', 'filter', 'filter', 'value']],
  [`If\\(GetSelectedCount\\(${N}\\) > 0, Sum\\(${N}\\), Null\\(\\)\\)`, ['condition', 'value']],
  [`RangeSum\\(Above\\(Sum\\(${N}\\), 0, RowNo\\(\\)\\)\\)`, ['value']],
  [`Num\\(Sum\\({BM01\\*<${N}-={'n/a'}>} ${N}\\), '#,##0.00 €'\\)`, ['filter', 'value']],
  [`// total; without returns\\nSum\\({<${N}={0}>} ${N}\\) /\\* 'quoted' "text" \\*/`, ['filter', 'value']],
  [`Only\\({<${N}={"=Sum\\(${N}\\) > 100"}>} ${N}\\)`, ['filter', 'filter', 'value']],
];
const derives = (): EdgeRecord[] =>
  crawled.records.filter((record) => record.t === 'edge').filter(({ kind }) => kind === 'derives');

const bare = (name: string): string => (name.startsWith('[') ? name.slice(1, -1).replaceAll(']]', ']') : name);

/** Roles by field. */
const meant = (expression: string): Map<string, Set<string>> | undefined => {
  for (const [pattern, roles] of MEASURES) {
    const found = new RegExp(`^${pattern}$`).exec(expression);
    if (found === null) continue;
    const fields = new Map<string, Set<string>>();
    found.slice(1).forEach((name, at) => {
      const known = fields.get(bare(name)) ?? new Set();
      fields.set(bare(name), known.add(roles[at] ?? ''));
    });
    return fields;
  }
  return undefined;
};

test('a measure leads to the fields that it uses, and says what for', () => {
  const edges = new Map<string, EdgeRecord[]>();
  for (const edge of derives()) {
    edges.set(edge.from, [...(edges.get(edge.from) ?? []), edge]);
  }
  const seen = { measures: 0, edges: 0, several: 0, conditions: 0 };
  const shapes = new Set<number>();
  for (const { app, side, entry, inner, found, path } of columns()) {
    const expression = String(inner['qDef'] ?? '');
    const fields = meant(expression);
    const plain = [json(entry['qSortBy'])['qSortByExpression'], inner['qLabelExpression']].every((one) => !one);
    if (side !== 'm' || fields === undefined || !plain || list(entry['qAttributeExpressions']).length > 0) continue;
    if (found['condition'] !== undefined || found['labelIsExpression'] === true) continue;
    shapes.add(MEASURES.findIndex(([pattern]) => new RegExp(`^${pattern}$`).test(expression)));
    const known = new Set(
      app.lastReloadTime === null ? [] : simulator.site.content(app.id).fields.map(({ name }) => name),
    );
    const expected = [...fields].filter(([name]) => known.has(name));
    const got = (edges.get(`sim/${assetKey(...path)}`) ?? []).map(({ to, attributes }) => {
      const { role, roles } = json(attributes);
      return [to, new Set(roles === undefined ? [role] : list(roles))] as const;
    });
    expect(new Map(got)).toEqual(
      new Map(expected.map(([name, roles]) => [`sim/${assetKey(app.id, 'field', name)}`, roles])),
    );
    seen.measures += 1;
    seen.edges += got.length;
    for (const [, roles] of got) {
      if (roles.size > 1) seen.several += 1;
      if (roles.has('condition')) seen.conditions += 1;
    }
  }
  all(seen, 3);
  expect(shapes.size).toBeGreaterThan(MEASURES.length / 2);
});

test('an edge leads from something that is there to a field that is there, once', () => {
  const keys = new Set(crawled.assets.map(({ key }) => key));
  const kinds = new Map(crawled.assets.map(({ key, kind }) => [key, kind]));
  const ends = new Set<string>();
  const from = new Set<unknown>();
  for (const edge of derives()) {
    if (kinds.get(edge.to) !== 'field') continue;
    from.add(kinds.get(edge.from));
    expect(keys).toContain(edge.from);
    expect(ends).not.toContain(`${edge.from} ${edge.to}`);
    ends.add(`${edge.from} ${edge.to}`);
    expect(['exact', 'inferred']).toContain(json(edge.attributes)['confidence']);
  }
  for (const kind of ['chart', 'chartDimension', 'chartMeasure', 'masterDimension', 'masterMeasure']) {
    expect(from).toContain(kind);
  }
});
