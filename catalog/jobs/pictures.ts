import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { type AttemptRef, holdAttempt } from './publish.ts';
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
 * was not crawled there is none. Reading a batch again changes nothing.
 *
 * @returns `from` as it came: pictures stand for themselves, and make no list that begins somewhere
 * @throws Fault `bridge.protocol` when the stream cannot be used
 */
export const storePictures = async (
  tx: Transaction,
  ref: AttemptRef,
  _seq: number,
  lines: readonly Uint8Array[],
  from = 0,
): Promise<number> => {
  const rows = readPictures(ref, lines);
  if (rows.length === 0 || !(await holdAttempt(tx, ref))) return from;
  const { organisationId, connection } = ref;
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
  return from;
};
