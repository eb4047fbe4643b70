import { keyPart } from '#protocol/keys.ts';
import { LineageEdge, type LineagePlace } from '#protocol/lineage.ts';
import type { EdgeKind } from '#protocol/records.ts';
import { placesOf } from './lineage-steps.ts';
import { PATTERN_REASON, patternEdge } from './pattern-steps.ts';
import type { Queries } from './sql.ts';

/** What one app's crawl says of an edge. */
export interface EdgeSaying extends Partial<LineageEdge> {
  readonly app: string | null;
  readonly appName: string | null;
  /** The asset that holds the script, when it is there: a policy may withhold scripts and keep lineage. */
  readonly script: string | null;
  /** The lines that it was read from, at most {@link MOST_LINES}. */
  readonly lines: { readonly number: number; readonly text: string }[];
}

const MOST_SAYINGS = 50;
const MOST_LINES = 60;
const LINE_CHARACTERS = 1_000;

/** Every attribute for itself: of what a newer agent writes the rest is read all the same. */
const told = (attributes: Record<string, unknown>): Partial<LineageEdge> =>
  Object.fromEntries(
    Object.entries(LineageEdge.shape).flatMap(([name, shape]) => {
      const { success, data } = shape.safeParse(attributes[name]);
      return success && data !== undefined ? [[name, data]] : [];
    }),
  );

/** The key of the asset that holds a script of an app. */
const scriptKey = (app: string, { file }: LineagePlace): string =>
  file === '' ? `${app}/script` : `${app}/script/include/${keyPart(file)}`;

/** An edge that no app says: the names of the two show it. */
const byPattern = async (
  sql: Queries,
  organisationId: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<EdgeSaying[]> => {
  const [one, other] = await placesOf(sql, organisationId, [from, to]);
  const confidence = one && other && (await patternEdge(sql, organisationId, one, other));
  if (confidence === undefined) return [];
  return [{ app: null, appName: null, script: null, lines: [], role: 'value', confidence, reasons: [PATTERN_REASON] }];
};

/** What an edge says and where it was read, of every app that says so; empty when there is no such edge. */
export const findEdge = async (
  sql: Queries,
  organisationId: string,
  edge: { readonly from: string; readonly kind: EdgeKind; readonly to: string },
): Promise<EdgeSaying[]> => {
  const rows = await sql<{ app: string | null; appName: string | null; attributes: Record<string, unknown> }[]>`
    select case when s.kind = 'app' then s.key end as app, case when s.kind = 'app' then left(s.name, 300) end as "appName",
      e.attributes
    from edge e join scope s on s.organisation_id = e.organisation_id and s.id = e.scope_id
    where e.organisation_id = ${organisationId} and e.from_key = ${edge.from} and e.kind = ${edge.kind}
      and e.to_key = ${edge.to}
    order by e.scope_id limit ${MOST_SAYINGS}`;
  if (rows.length === 0 && edge.kind === 'derives') return await byPattern(sql, organisationId, edge);
  const sayings = rows.map(({ attributes, ...row }) => ({ ...row, ...told(attributes) }));
  const keys = [...new Set(sayings.flatMap(({ app, place }) => (app && place ? [scriptKey(app, place)] : [])))];
  const scripts = new Map<string, readonly string[]>();
  for (const { key, text } of await sql<{ key: string; text: string }[]>`
    select key, attributes ->> 'text' as text from asset where organisation_id = ${organisationId}
      and key = any(${sql.array(keys)}::text[]) and attributes ->> 'text' is not null`)
    scripts.set(key, text.split(/\r\n|\n|\r/));
  return sayings.map((saying) => {
    const { app, place } = saying;
    const script = app && place ? scriptKey(app, place) : undefined;
    const lines = script === undefined ? undefined : scripts.get(script);
    if (script === undefined || lines === undefined || place === undefined)
      return { ...saying, script: null, lines: [] };
    const shown = lines.slice(place.line - 1, Math.min(place.endLine, place.line - 1 + MOST_LINES));
    return {
      ...saying,
      script,
      lines: shown.map((text, index) => ({ number: place.line + index, text: text.slice(0, LINE_CHARACTERS) })),
    };
  });
};
