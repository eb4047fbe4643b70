import type { Owner } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { AssetKind } from '#protocol/records.ts';
import { type JsonObject, present } from '../attributes.ts';
import type { Keys } from '../keys.ts';
import { customPropertyValues, type People } from '../people.ts';
import type { Asset, ScopeWriter } from '../scope-writer.ts';

/** What the records of the site's scope are made with. */
export interface SiteContext {
  readonly keys: Keys;
  readonly people: People;
}

/** What every row of the repository has. */
export interface SiteRow {
  readonly id: string;
  readonly createdDate: string | null;
  readonly modifiedDate: string | null;
}

/**
 * One list of the repository whose every row is one asset of the site's scope: how it is called, read and written. Its
 * functions are methods, so that all lists fit into one array; rows are only ever given to the list that read them.
 */
export interface SiteList<Row extends SiteRow = SiteRow> {
  /** In words, for whoever reads what is missing. */
  readonly what: string;
  readonly kind: AssetKind;
  /** The path below `/qrs`. */
  readonly entity: string;
  rows(site: Site): Promise<Listing<Row>>;
  /** Keeps what the assets of other rows and lists need of this one; called for every row that is read. */
  remember?(row: Row, context: SiteContext): void;
  asset(row: Row, context: SiteContext): Omit<Asset, 'kind' | 'key' | 'parent'>;
}

/** The key of a row's asset: what a row that is gone is known by, too. */
export const rowKey = ({ kind }: Pick<SiteList, 'kind'>, id: string, keys: Keys): string => keys.of(kind, id);

/** Writes what one row is about; {@link SiteList.remember} it first. */
export const writeRow = async <Row extends SiteRow>(
  out: ScopeWriter,
  list: SiteList<Row>,
  row: Row,
  context: SiteContext,
): Promise<void> => {
  const { keys } = context;
  await out.asset({ ...list.asset(row, context), kind: list.kind, key: rowKey(list, row.id, keys), parent: keys.site });
};

interface Described extends SiteRow {
  readonly owner?: Owner | null;
  readonly modifiedByUserName?: string;
  readonly tags?: string[];
  readonly customProperties?: { name: string; value: string }[];
}

/** What most rows have: owner, times, tags, custom properties. */
export const described = (row: Described, { people }: SiteContext): JsonObject =>
  present({
    owner: people.owner(row.owner),
    created: row.createdDate,
    modified: row.modifiedDate,
    modifiedBy: row.modifiedByUserName,
    tags: row.tags,
    customProperties: row.customProperties === undefined ? undefined : customPropertyValues(row.customProperties),
  });
