import type { AssetKind, PictureSource } from '#protocol/records.ts';
import type { Sql } from './sql.ts';

interface Picture {
  readonly mediaType: string;
  readonly content: Buffer;
  /** Hex; another one for another content. */
  readonly hash: string;
}

/** What is known of a picture without its content. */
export interface PictureSummary {
  /** Of the asset that it shows. */
  readonly key: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly source: PictureSource;
  readonly mediaType: string;
  readonly bytes: number;
  readonly version: string;
  readonly changedAt: Date;
  /** Names of the first charts of a sheet, for who cannot see it. */
  readonly charts: string[];
}

/** Charts whose names stand for a picture. */
const NAMED_CHARTS = 20;

export const findPicture = async (
  sql: Sql,
  organisationId: string,
  key: string,
  source: PictureSource,
): Promise<Picture | undefined> => {
  const [picture] = await sql<Picture[]>`
    select media_type as "mediaType", content, encode(hash, 'hex') as hash from picture
    where organisation_id = ${organisationId} and key = ${key} and source = ${source}`;
  return picture;
};

/** The pictures of an asset and of the sheets directly below it, by the order of their names. */
export const listPictures = (sql: Sql, organisationId: string, key: string, limit: number): Promise<PictureSummary[]> =>
  sql<PictureSummary[]>`
    select a.key, a.kind, left(a.name, 300) as name, v.source, v.media_type as "mediaType", length(v.content) as bytes,
      encode(v.hash, 'hex') as version, v.changed_at as "changedAt",
      coalesce((select array_agg(c.name order by c.sort_name, c.key) from (
        select left(c.name, 100) as name, c.sort_name, c.key from asset c
        where c.organisation_id = a.organisation_id and c.parent = a.key and c.kind = 'chart' and c.name <> ''
        order by c.sort_name, c.key limit ${NAMED_CHARTS}) c), '{}') as charts
    from asset a join picture v on v.organisation_id = a.organisation_id and v.key = a.key and v.scope_id = a.scope_id
    where a.organisation_id = ${organisationId} and (a.key = ${key} or (a.parent = ${key} and a.kind = 'sheet'))
    order by a.key <> ${key}, a.sort_name, a.key, v.source limit ${limit}`;
