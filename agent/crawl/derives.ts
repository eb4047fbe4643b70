import { ROLES } from '#protocol/lineage.ts';
import { present } from './attributes.ts';
import type { Named } from './field-names.ts';
import type { Keys } from './keys.ts';
import type { ScopeWriter } from './scope-writer.ts';

/**
 * Edges from a thing with expressions to the fields of its app that they use, one for each field. What is there by way of a
 * variable or a label that is named is less sure: a reader's click may give a variable another value.
 */
export const writeDerives = async (
  out: ScopeWriter,
  { of }: Keys,
  appId: string,
  from: string,
  { fields }: Pick<Named, 'fields'>,
): Promise<void> => {
  for (const { name, roles, direct, reasons } of fields) {
    const all = ROLES.filter((role) => roles.has(role));
    const varies = !direct && reasons.some((reason) => reason.startsWith('variable:'));
    await out.edge(
      'derives',
      from,
      of(appId, 'field', name),
      present({
        role: all[0],
        roles: all.length > 1 ? all : undefined,
        confidence: varies ? 'inferred' : 'exact',
        reasons: [...reasons],
      }),
    );
  }
};
