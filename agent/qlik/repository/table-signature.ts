import { createHash } from 'node:crypto';
import type { RepositoryClient } from './client.ts';
import { countRows } from './listing.ts';
import { TABLE_ROWS, tablePage, tableRows } from './table.ts';

const COLUMNS = ['id', 'modifiedDate'] as const;
/** What the signature of a long table begins with. */
const LONG = 'newest:';

/**
 * A text without blanks that is another as soon as a row came, went or was modified. Of a table of more than a thousand rows it is made of
 * their number and of the newest thousand, so that it takes two calls however long the table is: then one row that came with
 * an old date while another went is not noticed until everything is read.
 *
 * @param before the text of the last time: rows that agree with it and do not fill their page are all, and no further page
 * is asked for to prove it
 */
export const tableSignature = async (
  repository: RepositoryClient,
  entity: string,
  before?: string,
  signal?: AbortSignal,
): Promise<string> => {
  const known = before?.startsWith(LONG) === true ? await newestSignature(repository, entity, signal) : undefined;
  if (known !== undefined) return known;
  const digest = createHash('sha256');
  const signature = (): string => digest.copy().digest('hex').slice(0, 16);
  let rows = 0;
  for await (const page of tableRows(repository, entity, COLUMNS, { signal })) {
    rows += page.length;
    const long = rows > TABLE_ROWS ? await newestSignature(repository, entity, signal) : undefined;
    if (long !== undefined) return long;
    for (const row of page) digest.update(JSON.stringify(row));
    if (page.length < TABLE_ROWS && signature() === before) break;
  }
  return signature();
};

/** Undefined: the table is not long. */
const newestSignature = async (
  repository: RepositoryClient,
  entity: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> => {
  const [counted, rows] = await Promise.all([
    countRows(repository, entity, { signal }),
    tablePage(repository, entity, COLUMNS, { sortColumn: 'modifiedDate', descending: true, signal }),
  ]);
  if (counted <= TABLE_ROWS) return undefined;
  const last = String(rows.at(-1)?.[1]);
  // Which of several rows with the date at the border came is chance.
  const newest = rows.filter(([, modified]) => String(modified) !== last).map((row) => JSON.stringify(row));
  const digest = createHash('sha256').update([last, ...newest.sort()].join('\n'));
  return `${LONG}${counted}:${digest.digest('hex').slice(0, 16)}`;
};
