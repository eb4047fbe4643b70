import { type Json, Refusal } from './answer.ts';
import type { Entity } from './entities.ts';

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
export const changesSince = (
  entity: (path: string) => Entity | undefined,
  deletions: readonly Deletion[],
  since: string | null,
  types: string | null,
): readonly Json[] => {
  const start = Date.parse(since ?? '');
  if (Number.isNaN(start)) throw new Refusal(400, 'since must be a date in ISO 8601');
  if (types === null || types === '') throw new Refusal(400, 'types is missing');
  return types.split(',').flatMap((type) => {
    const name = type.trim().toLowerCase();
    const found = entity(PATHS[name] ?? '');
    if (found === undefined) throw new Refusal(400, `Unknown type ${type}`);
    const changed = found.rows(null).flatMap((row): Json[] => {
      const json = found.full(row);
      const modified = String(json['modifiedDate']);
      if (Date.parse(modified) <= start) return [];
      const changetype = Date.parse(String(json['createdDate'])) > start ? ADDED : UPDATED;
      return [
        {
          changetype,
          id: json['id'] ?? null,
          type: found.schemaPath,
          changedate: modified,
          object: found.condensed(row),
        },
      ];
    });
    const gone = deletions
      .filter((deletion) => deletion.type.toLowerCase() === name && Date.parse(deletion.at) > start)
      .map(({ id, at }): Json => ({ changetype: DELETED, id, type: found.schemaPath, changedate: at, object: null }));
    return [...changed, ...gone];
  });
};
