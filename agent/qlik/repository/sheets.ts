import { Fault } from '#protocol/errors.ts';
import type { RepositoryClient } from './client.ts';
import type { Owner } from './entities.ts';
import { countRows } from './listing.ts';
import { tableRows } from './table.ts';

/** A sheet as the repository lists it. */
export interface QrsSheet {
  /** The repository's own id. */
  readonly id: string;
  readonly engineObjectId: string;
  readonly name: string;
  readonly published: boolean;
  readonly approved: boolean;
  readonly appId: string;
  readonly owner: Owner | null;
}

const COLUMNS = [
  'id',
  'engineObjectId',
  'name',
  'published',
  'approved',
  'app.id',
  'owner.id',
  'owner.userDirectory',
  'owner.userId',
  'owner.name',
] as const;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const sheetOf = ([id, engineId, name, published, approved, appId, ...owner]: readonly unknown[]): QrsSheet => {
  const [ownerId, userDirectory, userId, ownerName] = owner.map(text);
  return {
    id: text(id),
    engineObjectId: text(engineId),
    name: text(name),
    published: published === true,
    approved: approved === true,
    appId: text(appId),
    owner:
      ownerId === undefined || ownerId === ''
        ? null
        : { id: ownerId, userDirectory: userDirectory ?? '', userId: userId ?? '', name: ownerName ?? '' },
  };
};

/**
 * All sheets of all apps, a page at a time: sites have hundreds of thousands. When all came they are compared with the
 * repository's own count, taken before and, where that differs, after. Throws a {@link Fault} `qlik.count_mismatch` for
 * sheets that did not come.
 */
export async function* listSheets(
  repository: RepositoryClient,
  signal?: AbortSignal,
): AsyncGenerator<readonly QrsSheet[]> {
  const filter = "objectType eq 'sheet'";
  const counted = await countRows(repository, 'app/object', { filter, signal });
  let came = 0;
  for await (const page of tableRows(repository, 'app/object', COLUMNS, { filter, signal })) {
    came += page.length;
    yield page.map(sheetOf);
  }
  if (came >= counted || came >= (await countRows(repository, 'app/object', { filter, signal }))) return;
  throw new Fault('qlik.count_mismatch', `/qrs/app/object: ${counted} sheets were counted, but only ${came} came`);
}
