import type { Owner } from '#agent/qlik/repository/entities.ts';
import type { Keys } from './keys.ts';
import type { People } from './people.ts';
import type { ScopeWriter } from './scope-writer.ts';

/**
 * Writes the edge from an owner to what it owns. An owner who was deleted is still named in the attributes, and has no
 * asset that an edge could lead from.
 */
export const writeOwner = async (
  out: ScopeWriter,
  { keys, people }: { readonly keys: Keys; readonly people: People },
  owner: Partial<Owner> | null | undefined,
  key: string,
): Promise<void> => {
  const id = people.known(owner);
  if (id !== undefined) await out.edge('owns', keys.of('user', id), key);
};
