import type { Transaction } from '#catalog/store/sql.ts';
import type { AttemptRef } from './attempt-ref.ts';
import type { StagedRow } from './record.ts';

const COLUMNS =
  'scope text, line integer, t text, key text, kind text, name text, sort_name text, search_text text, parent text, attributes text, hash text, content text';

/** Rows that this process holds, as rows of a query. Attributes go as text: parsed once, and only where they are stored. */
const held = (tx: Transaction, rows: readonly StagedRow[]) => tx`select scope, line, t, key, kind, name, sort_name,
    search_text, parent, attributes::jsonb as attributes, decode(hash, 'hex') as hash, decode(content, 'base64') as content
  from json_to_recordset(${JSON.stringify(rows)}::text::json) as r(${tx.unsafe(COLUMNS)})`;

/** What a run of a publisher staged of these scopes. */
const staged = (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopes: readonly string[],
) => tx`select scope, line,
    t, key, kind, name, sort_name, search_text, parent, attributes, hash, content
  from staged_record where organisation_id = ${ref.organisationId} and publisher = ${publisher}
    and scope = any(${tx.array([...scopes])}::text[])`;

/** All rows of some scopes: those at hand and, of scopes that began earlier, those that were staged. */
export const incoming = (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  rows: readonly StagedRow[],
  stagedScopes: readonly string[],
) =>
  stagedScopes.length === 0
    ? held(tx, rows)
    : tx`${held(tx, rows)} union all ${staged(tx, ref, publisher, stagedScopes)}`;

/** Stages rows of scopes that are not complete yet: they are not held in memory while more is waited for. */
export const stageRows = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  rows: readonly StagedRow[],
): Promise<void> => {
  await tx`insert into staged_record (organisation_id, job_id, attempt, publisher, scope, line, t, key, kind, name,
      sort_name, search_text, parent, attributes, hash, content)
    select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, ${publisher}, scope, line, t, key, kind, name, sort_name,
      search_text, parent, attributes, hash, content from (${held(tx, rows)}) r`;
};

export const dropStaged = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopes: readonly string[],
): Promise<void> => {
  await tx`delete from staged_record where organisation_id = ${ref.organisationId} and publisher = ${publisher}
    and scope = any(${tx.array([...scopes])}::text[])`;
};
