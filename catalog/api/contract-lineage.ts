import { z } from 'zod';
import { CONFIDENCES, LineageEdge, ROLES } from '#protocol/lineage.ts';
import { ASSET_KINDS, EDGE_KINDS } from '#protocol/records.ts';

const Kind = z.enum(ASSET_KINDS).nullable();

/** Where something lies. An end of an edge that no crawl sent as an asset has neither kind nor connection, and no page. */
const PlaceShape = z.object({
  key: z.string(),
  kind: Kind,
  name: z.string(),
  parent: z.string().nullable(),
  connection: z.string().nullable(),
  /** The app that it lies in. */
  app: z.string().nullable(),
  appName: z.string().nullable(),
  goneAt: z.iso.datetime().nullable(),
});

export const LineageNode = z
  .object({
    ...PlaceShape.shape,
    /** Key of the dataset, app, chart or sheet that it is drawn in. */
    group: z.string().nullable(),
    /** Steps from the focus; negative towards the origins. */
    distance: z.int(),
    /** It has columns or fields, which level `column` of its own key shows. */
    opens: z.boolean(),
  })
  .meta({ id: 'LineageNode' });
export type LineageNode = z.infer<typeof LineageNode>;

/** An edge as it is drawn: from what is upstream to what is downstream. */
export const LineageLine = z
  .object({
    kind: z.enum(EDGE_KINDS),
    /** As agents send it: from what is derived to its origin. With these and the kind its details are asked for. */
    from: z.string(),
    to: z.string(),
    upstream: z.string(),
    downstream: z.string(),
    role: z.enum(ROLES).nullable(),
    /** Null of what is certain by itself: a chart's use of a master item. */
    confidence: z.enum(CONFIDENCES).nullable(),
    conditional: z.boolean(),
    unreachable: z.boolean(),
    manual: z.boolean(),
    /** Keys of the apps whose crawl says so, the first ones. */
    apps: z.array(z.string()),
  })
  .meta({ id: 'LineageLine' });
export type LineageLine = z.infer<typeof LineageLine>;

/** What lies around an asset. What is left out is counted in `more`, where it would be. */
export const Lineage = z
  .object({
    /** Of a field at level `table`, say, its app. */
    focus: z.string(),
    level: z.enum(['table', 'column']),
    nodes: z.array(LineageNode),
    /** What nodes are drawn in and is no node itself. */
    groups: z.array(z.object(PlaceShape.shape)),
    edges: z.array(LineageLine),
    /** There are too many edges between these nodes to send all. */
    edgesCut: z.boolean(),
    more: z.array(
      z.object({
        key: z.string(),
        /** `inside`: columns or fields of the focus. */
        direction: z.enum(['up', 'down', 'inside']),
        /** 1000: as many, or more. */
        count: z.int(),
        /** Goes on as `after` with this key as the focus; null: from the beginning. */
        next: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Lineage' });
export type Lineage = z.infer<typeof Lineage>;

/** What one app's crawl says of an edge, and where it read it. */
export const LineageEdgeDetail = z
  .object({
    items: z.array(
      z.object({
        ...LineageEdge.partial().shape,
        app: z.string().nullable(),
        appName: z.string().nullable(),
        /** Key of the asset that holds the script; null where it is not kept. */
        script: z.string().nullable(),
        /** The first lines of the statement. */
        lines: z.array(z.object({ number: z.int(), text: z.string() })),
      }),
    ),
  })
  .meta({ id: 'LineageEdge' });
export type LineageEdgeDetail = z.infer<typeof LineageEdgeDetail>;

const OwnerShape = z.object({ key: z.string().nullable(), name: z.string(), email: z.string().nullable() });

export const ImpactItem = z
  .object({
    ...PlaceShape.shape,
    kind: z.enum(ASSET_KINDS),
    owner: OwnerShape.nullable(),
    /** So many derivations, uses and containers lie between, on the surest way: the length of `path`. */
    distance: z.int(),
    /** The weakest on that way. */
    confidence: z.enum(CONFIDENCES),
    conditional: z.boolean(),
    /** From the asset that was asked about to this one; the middle of a long way is left out. */
    path: z.array(z.object({ key: z.string(), kind: Kind, name: z.string(), by: z.enum(EDGE_KINDS).nullable() })),
  })
  .meta({ id: 'ImpactItem' });
export type ImpactItem = z.infer<typeof ImpactItem>;

/** What depends on an asset, or what it comes from. */
export const Impact = z
  .object({
    focus: z.object(PlaceShape.shape),
    direction: z.enum(['up', 'down']),
    /** Of all that was found, whatever `kind` asked for. */
    counts: z.partialRecord(z.enum(ASSET_KINDS), z.int()),
    /** Who owns apps and sheets among it, with the most of them first. */
    owners: z.array(
      z.object({ key: z.string().nullable(), name: z.string(), email: z.string().nullable(), assets: z.int() }),
    ),
    /**
     * What lies in apps, by the app: those of one owner together. The first ones, with the first of their sheets, on the first
     * page. `owner` of a sheet: whom it belongs to when that is somebody else than the app's owner.
     */
    apps: z.array(
      z.object({
        key: z.string(),
        name: z.string(),
        owner: OwnerShape.nullable(),
        charts: z.int(),
        sheetCount: z.int(),
        sheets: z.array(z.object({ key: z.string(), name: z.string(), charts: z.int(), owner: OwnerShape.nullable() })),
      }),
    ),
    /** Sheets, the apps that they are in and the owners of both; then all apps and owners, with sheets or without. */
    summary: z.object({
      sheets: z.int(),
      appsWithSheets: z.int(),
      ownersOfSheets: z.int(),
      apps: z.int(),
      owners: z.int(),
    }),
    /** There is more than was walked through: every number is a lower bound. */
    cut: z.boolean(),
    items: z.array(ImpactItem),
    next: z.string().nullable(),
  })
  .meta({ id: 'Impact' });
export type Impact = z.infer<typeof Impact>;
