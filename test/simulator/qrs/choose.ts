/** Which rows of an entity a request is about, and in which order. */
import { Refusal } from './answer.ts';
import type { Entity } from './entities.ts';
import type { Filter } from './filter.ts';
import { checkPaths, matches } from './match.ts';
import { sortedBy } from './sort.ts';
import type { Turns } from './turns.ts';

/** The rows that pass the filter and `only`. @throws Refusal 400 for a filter that names what the rows do not have */
export function* choose(
  entity: Entity,
  filter: Filter | null,
  only?: (row: unknown) => boolean,
): Turns<readonly unknown[]> {
  const chosen: unknown[] = [];
  let checked = false;
  for (const row of entity.rows(filter)) {
    yield;
    if (filter !== null && !checked) checkPaths(filter, entity.full(row));
    checked = true;
    if (filter !== null && !matches(filter, entity.full(row))) continue;
    if (only === undefined || only(row)) chosen.push(row);
  }
  return chosen;
}

/** Sorts by `orderby`: paths with `asc` or `desc`, the first counts most. @throws Refusal 400 when it cannot be read */
export function* ordered(
  entity: Entity,
  chosen: readonly unknown[],
  orderby: string | null,
): Turns<readonly unknown[]> {
  if (orderby === null || orderby.trim() === '') return chosen;
  const parts = orderby.split(',').map((part) => {
    const match = /^\s*([\w.]+)(?:\s+(asc|desc))?\s*$/i.exec(part);
    if (match === null) throw new Refusal(400, `Invalid orderby: ${part}`);
    return { path: (match[1] ?? '').split('.'), ascending: match[2]?.toLowerCase() !== 'desc' };
  });
  return yield* sortedBy(chosen, parts, (row) => entity.full(row));
}
