import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { holdAttempt } from './publish.ts';
import { BadRecord, pictureRow, readRecord, type StagedRow } from './record.ts';

/** @throws Fault `bridge.protocol` for what does not belong into the stream of a preview */
const readPictures = (ref: AttemptRef, lines: readonly Uint8Array[]): readonly StagedRow[] => {
  const found = new Map<string, StagedRow>();
  for (const [index, line] of lines.entries()) {
    try {
      const record = readRecord(line);
      if (record.t !== 'picture') throw new BadRecord(undefined, `${record.t} does not belong into a preview`);
      if (!record.scope.startsWith(`${ref.connection}/`))
        throw new BadRecord(record.scope, 'its scope is no app of the connection');
      const row = pictureRow(record, ref.connection, index);
      found.set(`${row.kind} ${row.key}`, row);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      throw new Fault('bridge.protocol', `A record of the preview cannot be read: ${error.message}.`);
    }
  }
  return [...found.values()];
};

/**
 * Stores the pictures of one batch of a preview, each in place of the one of its source that was there. Of an asset that
 * was not crawled there is none. Reading a batch again changes nothing, and whoever reads an older batch late does not put
 * back what it drew.
 *
 * @param knownSeq the last batch of the attempt that is stored as far as the caller knows, -1 for none
 * @returns which that is now
 * @throws Fault `bridge.protocol` when the stream cannot be used, Error when the database has lost what was stored
 */
export const storePictures = async (
  tx: Transaction,
  ref: AttemptRef,
  seq: number,
  lines: readonly Uint8Array[],
  knownSeq = -1,
): Promise<number> => {
  const rows = readPictures(ref, lines);
  if (rows.length === 0 || !(await holdAttempt(tx, ref))) return knownSeq;
  const { organisationId, connection, jobId, attempt } = ref;
  const own = tx`organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  const [last] = await tx<{ seq: number }[]>`
    select coalesce(checks_from, -1)::float8 as seq from attempt where ${own} for no key update`;
  const stored = last?.seq ?? -1;
  if (stored < knownSeq) throw new Error('the database has lost pictures of the preview');
  if (seq <= stored) return stored;
  await tx`update attempt set checks_from = ${seq}::bigint where ${own}`;
  await tx`insert into picture as v (organisation_id, scope_id, key, source, media_type, content, hash)
    select ${organisationId}, a.scope_id, i.key, i.kind, i.name, decode(i.content, 'base64'),
      decode(i.hash, 'hex')
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as i(scope text, key text, kind text, name text, content text, hash text)
    join scope s on s.organisation_id = ${organisationId} and s.connection = ${connection} and s.key = i.scope
    join asset a on a.organisation_id = ${organisationId} and a.key = i.key and a.scope_id = s.id
    on conflict (organisation_id, key, source) do update set scope_id = excluded.scope_id,
      media_type = excluded.media_type, content = excluded.content, hash = excluded.hash, changed_at = now()
      where v.hash <> excluded.hash`;
  await announce(tx, organisationId, { name: 'assets', connection });
  return seq;
};
