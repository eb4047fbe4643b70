import { type Json, Refusal } from './answer.ts';
import type { Entity } from './entities.ts';
import type { Turns } from './turns.ts';

/** What was deleted while the site was served. */
export interface Deletion {
  readonly type: string;
  readonly id: string;
  readonly at: string;
}

const ADDED = 1;
const UPDATED = 2;
const DELETED = 3;

const PATHS: Readonly<Record<string, string>> = {
  app: 'app',
  'app.object': 'app/object',
  stream: 'stream',
  dataconnection: 'dataconnection',
  reloadtask: 'reloadtask',
  extension: 'extension',
};

/**
 * `GET /qrs/notification/changes`: what was added, updated or deleted since a moment. Throws {@link Refusal} 400 when
 * `since` is no date or `types` is missing.
 */
export function* changesSince(
  entity: (path: string) => Entity | undefined,
  deletions: readonly Deletion[],
  since: string | null,
  types: string | null,
): Turns<readonly Json[]> {
  const start = Date.parse(since ?? '');
  if (Number.isNaN(start)) throw new Refusal(400, 'since must be a date in ISO 8601');
  if (types === null || types === '') throw new Refusal(400, 'types is missing');
  const changes: Json[] = [];
  for (const type of types.split(',')) {
    const name = type.trim().toLowerCase();
    const found = entity(PATHS[name] ?? '');
    if (found === undefined) throw new Refusal(400, `Unknown type ${type}`);
    for (const row of found.rows(null)) {
      yield;
      const json = found.full(row);
      const modified = String(json['modifiedDate']);
      if (Date.parse(modified) <= start) continue;
      changes.push({
        changetype: Date.parse(String(json['createdDate'])) > start ? ADDED : UPDATED,
        id: json['id'] ?? null,
        type: found.schemaPath,
        changedate: modified,
        object: found.condensed(row),
      });
    }
    for (const deletion of deletions) {
      if (deletion.type.toLowerCase() !== name || Date.parse(deletion.at) <= start) continue;
      changes.push({
        changetype: DELETED,
        id: deletion.id,
        type: found.schemaPath,
        changedate: deletion.at,
        object: null,
      });
    }
  }
  return changes;
}
