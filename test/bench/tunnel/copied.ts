import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql } from '#catalog/store/sql.ts';

/** What the rows of a publish refer to: there before the clock runs. */
const GROUND = ['organisation', 'agent', 'connection', 'job', 'attempt'] as const;
/** What a publish leaves, in the order of its references. */
const PUBLISHED = ['scope', 'asset', 'edge', 'published_scope'] as const;

type Table = (typeof GROUND | typeof PUBLISHED)[number];

/** All rows of a crawl as COPY writes them. */
export interface CopiedRows {
  readonly ground: ReadonlyMap<Table, Buffer>;
  readonly published: ReadonlyMap<Table, Buffer>;
  /** Of the four published tables together. */
  readonly rows: number;
  readonly bytes: number;
}

const tableText = async (sql: Sql, table: Table): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  const stream: Readable = await sql`copy ${sql(table)} to stdout`.readable();
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const texts = async (sql: Sql, tables: readonly Table[]): Promise<Map<Table, Buffer>> => {
  const all = new Map<Table, Buffer>();
  for (const table of tables) all.set(table, await tableText(sql, table));
  return all;
};

/** Takes what a publish left out of its database. */
export const copyOut = async (sql: Sql): Promise<CopiedRows> => {
  const published = await texts(sql, PUBLISHED);
  let rows = 0;
  for (const table of PUBLISHED)
    rows += (await sql<{ n: number }[]>`select count(*)::int as n from ${sql(table)}`)[0]?.n ?? 0;
  const bytes = [...published.values()].reduce((sum, text) => sum + text.length, 0);
  return { ground: await texts(sql, GROUND), published, rows, bytes };
};

const copyInto = async (sql: Sql, tables: ReadonlyMap<Table, Buffer>): Promise<void> => {
  await sql.begin(async (tx) => {
    for (const [table, text] of tables) await pipeline([text], await tx`copy ${tx(table)} from stdin`.writable());
  });
};

/** What the rows refer to. */
export const copyGround = (sql: Sql, { ground }: CopiedRows): Promise<void> => copyInto(sql, ground);

/** The rows themselves, into another database with the same schema, over one connection and in one transaction. */
export const copyPublished = (sql: Sql, { published }: CopiedRows): Promise<void> => copyInto(sql, published);
