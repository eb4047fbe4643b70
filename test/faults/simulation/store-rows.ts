import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { StreamRecord } from '#protocol/records.ts';

type Attributes = Readonly<Record<string, unknown>>;

export interface AssetRow {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
  /** No longer at the source, and kept with a mark. */
  readonly isGone: boolean;
}

export interface EdgeRow {
  readonly from: string;
  readonly kind: string;
  readonly to: string;
  readonly attributes: Attributes;
}

export interface PictureRow {
  readonly key: string;
  readonly source: string;
  readonly content: string;
}

/** What the store has of one scope. Rows are never changed, only replaced: a replica shares them. */
export interface ScopeRow {
  readonly key: string;
  readonly connection: string;
  readonly kind: 'site' | 'app';
  readonly outcome: string;
  readonly isGone: boolean;
  /** The attempt that last published it, or listed it as an app that there is. */
  readonly listedBy: string;
  readonly assets: ReadonlyMap<string, AssetRow>;
  readonly edges: ReadonlyMap<string, EdgeRow>;
  readonly pictures: ReadonlyMap<string, PictureRow>;
}

/** A scope whose outcome came, with all its records. */
export interface EndedScope {
  readonly key: string;
  readonly connection: string;
  readonly kind: 'site' | 'app';
  readonly outcome: string;
  /** Kinds of assets and edges of which all came, where the outcome lets that count. */
  readonly whole: readonly string[];
  readonly listing: string;
  readonly records: readonly StreamRecord[];
  /** The lines of its records, each with its line feed. */
  readonly text: string;
}

/** What makes an edge, and a picture, unique within its scope. */
export const edgeName = ({ from, kind, to }: Pick<EdgeRow, 'from' | 'kind' | 'to'>): string => `${from} ${kind} ${to}`;
export const pictureName = ({ key, source }: Pick<PictureRow, 'key' | 'source'>): string => `${key} ${source}`;

const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
};

interface Come {
  readonly assets: Map<string, StreamRecord & { t: 'asset' }>;
  readonly edges: Map<string, EdgeRow>;
  readonly pictures: Map<string, PictureRow>;
  readonly named: readonly string[];
}

/** Of what came twice the later line counts. */
const sorted = (records: readonly StreamRecord[]): Come => {
  const come: Come & { named: string[] } = { assets: new Map(), edges: new Map(), pictures: new Map(), named: [] };
  for (const record of records)
    if (record.t === 'asset') come.assets.set(record.key, record);
    else if (record.t === 'edge') {
      const { from, kind, to, attributes = {} } = record;
      come.edges.set(edgeName(record), { from, kind, to, attributes });
    } else if (record.t === 'picture') {
      const { key, source, content } = record;
      come.pictures.set(pictureName(record), { key, source, content });
    } else if (record.t === 'gone') come.named.push(record.key);
  return { ...come, named: come.named.filter((key) => !come.assets.has(key)) };
};

const assetRow = (record: StreamRecord & { t: 'asset' }, known: AssetRow | undefined): AssetRow => {
  const { key, kind, name, parent, sparse, attributes = {} } = record;
  // A part of what is known of it: the rest stays, and what is null goes.
  const all = sparse ? (withoutNulls({ ...known?.attributes, ...attributes }) as Attributes) : attributes;
  return { key, kind, name, parent, attributes: all, isGone: false };
};

/** Keys of assets that the scope says are no longer there. */
const leavingOf = (before: ScopeRow, { outcome, whole }: EndedScope, come: Come): ReadonlySet<string> => {
  const isNamed = (key: string): boolean =>
    outcome === 'updated' && come.named.some((name) => key === name || key.startsWith(`${name}/`));
  const leaving = [...before.assets.values()].filter(
    ({ key, kind, isGone }) =>
      !isGone && !come.assets.has(key) && (outcome === 'complete' || whole.includes(kind) || isNamed(key)),
  );
  return new Set(leaving.map(({ key }) => key));
};

/** Whether an edge that did not come goes. */
const edgeGoes = (
  { from, kind, to }: EdgeRow,
  { assets }: ScopeRow,
  { outcome, whole }: EndedScope,
  come: Come,
  leaving: ReadonlySet<string>,
  policy: DeletionPolicy,
): boolean => {
  const isDeleting = policy === 'delete';
  // An asset that came brought its own edges: those that lead from it, whose it is, and what made it.
  const [bringer, other] = kind === 'owns' || kind === 'produces' ? [to, from] : [from, to];
  const ofLeaving = isDeleting && (leaving.has(from) || leaving.has(to));
  if (outcome === 'complete') return isDeleting || come.assets.has(from) || come.assets.has(bringer);
  if (outcome === 'partial') {
    const isWhole = (asset: { readonly kind: string } | undefined): boolean => whole.includes(asset?.kind ?? '');
    const end = assets.get(other);
    const ofItsKind =
      whole.includes(kind) && [...come.edges.values()].some((one) => one.kind === kind && one.from === from);
    return ofLeaving || ofItsKind || (isWhole(come.assets.get(bringer)) && (!end || isWhole(end)));
  }
  const ofNamed = isDeleting && (come.named.includes(from) || come.named.includes(to));
  return outcome === 'updated' && (whole.includes(kind) || come.assets.has(bringer) || ofLeaving || ofNamed);
};

/** What a scope makes of what was there: the rules of `catalog/jobs/scope-rows.ts`, written a second time. */
export const publishedScope = (
  before: ScopeRow | undefined,
  ended: EndedScope,
  policy: DeletionPolicy,
): ScopeRow | undefined => {
  const { key, connection, kind, outcome, listing } = ended;
  if (outcome === 'gone') return before && goneScope(before, policy);
  const facts = { key, connection, kind, listedBy: listing, isGone: false };
  const nothing = { assets: new Map(), edges: new Map(), pictures: new Map() };
  if (outcome === 'unchanged') return { ...(before ?? { ...nothing, outcome }), ...facts };
  const come = sorted(ended.records);
  const assets = new Map(before?.assets);
  const edges = new Map(before?.edges);
  const pictures = new Map(before?.pictures);
  const leaving = before ? leavingOf(before, ended, come) : new Set<string>();
  for (const [name, record] of come.assets) assets.set(name, assetRow(record, before?.assets.get(name)));
  for (const name of leaving) {
    const asset = assets.get(name);
    if (policy === 'delete') assets.delete(name);
    else if (policy === 'flag' && asset) assets.set(name, { ...asset, isGone: true });
  }
  for (const [name, edge] of before?.edges ?? [])
    if (before && !come.edges.has(name) && edgeGoes(edge, before, ended, come, leaving, policy)) edges.delete(name);
  for (const [name, edge] of come.edges) edges.set(name, edge);
  for (const [name, picture] of come.pictures) if (assets.has(picture.key)) pictures.set(name, picture);
  // A picture lives as long as its asset; one with real values was asked for, and stays.
  for (const [name, { key: of, source }] of pictures)
    if (!assets.has(of) || (outcome === 'complete' && source !== 'data' && !come.pictures.has(name)))
      pictures.delete(name);
  return { ...facts, outcome, assets, edges, pictures };
};

/** A scope that is no longer there: undefined when nothing of it stays. */
export const goneScope = (before: ScopeRow, policy: DeletionPolicy): ScopeRow | undefined => {
  if (policy === 'delete') return undefined;
  if (before.isGone) return before;
  const marked = [...before.assets.values()].map((asset) => ({ ...asset, isGone: true }));
  const assets = policy === 'flag' ? new Map(marked.map((asset) => [asset.key, asset])) : before.assets;
  return { ...before, assets, isGone: true, outcome: 'gone' };
};
