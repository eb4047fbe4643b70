import { type Sql, sqlState, type Transaction, transact } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { AttemptRef } from './attempt-ref.ts';
import type { EndedScope } from './ended-scope.ts';
import { publishScopes } from './publish.ts';
import type { ReadGroup } from './scope-reader.ts';
import { dropStaged, stageRows } from './staged-rows.ts';

/** SQLSTATE classes that mean: the values themselves cannot be stored, and trying again would not change that. */
const UNSTORABLE = /^(22|23|54)/;
const isUnstorable = (error: unknown): boolean => UNSTORABLE.test(sqlState(error) ?? '');

/** Whose group is stored. */
export interface GroupOwner {
  readonly sql: Sql;
  readonly log: { error(fields: object, message: string): void };
  readonly ref: AttemptRef;
  /** The run of the publisher, under which its rows are staged. */
  readonly publisher: string;
}

/** How it went: `lost` when the attempt may not publish any more, a Fault when the stream is unusable after it. */
export type Stored = 'stored' | 'lost' | Fault;

/** Stores what some batches held, in one transaction, or scope by scope when one of them cannot be stored. */
export const storeGroup = async (owner: GroupOwner, group: ReadGroup): Promise<Stored> => {
  const { ended, rows, left, dropped } = group;
  if (ended.length + left.length + dropped.length === 0) return 'stored';
  const { sql, ref, publisher } = owner;
  const stage = async (tx: Transaction): Promise<void> => {
    if (dropped.length > 0) await dropStaged(tx, ref, publisher, dropped);
    if (left.length > 0) await stageRows(tx, ref, publisher, left);
  };
  try {
    const result = await transact(sql, async (tx) => {
      await stage(tx);
      return ended.length > 0 ? await publishScopes(tx, ref, publisher, ended, rows) : 'published';
    });
    if (left.length > 0) faultPoint('catalog.rows_staged');
    if (ended.length > 0) faultPoint('catalog.scope_published');
    return result === 'lost' ? 'lost' : 'stored';
  } catch (error) {
    if (!isUnstorable(error)) throw error;
  }
  for (const scope of ended) if ((await publishAlone(owner, scope, group)) === 'lost') return 'lost';
  try {
    await transact(sql, stage);
    return 'stored';
  } catch (error) {
    if (!isUnstorable(error)) throw error;
    return new Fault('bridge.protocol', 'Records came that the database cannot hold.', { cause: error });
  }
};

const publishAlone = async (
  { sql, log, ref, publisher }: GroupOwner,
  scope: EndedScope,
  { rows }: ReadGroup,
): Promise<'published' | 'lost'> => {
  const own = rows.filter((row) => row.scope === scope.key);
  const publish = (one: EndedScope) => transact(sql, (tx) => publishScopes(tx, ref, publisher, [one], own));
  let result: Awaited<ReturnType<typeof publish>>;
  try {
    result = await publish(scope);
  } catch (error) {
    if (!isUnstorable(error)) throw error;
    log.error({ err: error, jobId: ref.jobId, scope: scope.key }, 'scope cannot be stored');
    const defect = new Fault('internal', `${scope.name} cannot be stored.`, { cause: error }).toJSON();
    result = await publish({ ...scope, refused: defect });
  }
  faultPoint('catalog.scope_published');
  return result;
};
