import type { Part } from '#agent/lineage/expression/app-names.ts';
import { macroExpression } from '#agent/lineage/expression/macro.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { namesSecret, REDACTED, secretPlaces } from '#config/redaction/rules.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { present } from './attributes.ts';
import { writeDerives } from './derives.ts';
import type { FieldNames } from './field-names.ts';
import { textAt, textsAt } from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/**
 * The variables of an app that somebody made, in its script or by hand. A definition that does not begin with `=` is the
 * value itself: for one of the script, what the last reload left. What a formula gives needs the app's data, and stays open.
 */
export const writeVariables = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { lists }: AppContent,
  names: FieldNames,
): Promise<void> => {
  for (const variable of lists.variables) {
    if (variable.qIsReserved === true || variable.qIsConfig === true) continue;
    const definition = variable.qDefinition ?? '';
    const formula = definition.trimStart().startsWith('=');
    const hidden = namesSecret(variable.qName) && definition !== '' && !formula;
    const kinds = new Set(secretPlaces(definition).map(({ kind }) => kind));
    const key = keys.of(row.id, variable.qInfo?.qId ?? variable.qName);
    const named = names.of(formula ? [{ text: definition.trimStart(), role: 'value' }] : []);
    await out.asset({
      kind: 'variable',
      key,
      name: variable.qName,
      parent: keys.of(row.id),
      attributes: present({
        definition: hidden ? REDACTED : definition,
        value: formula || hidden ? undefined : definition,
        formula: formula || undefined,
        comment: textAt(variable.qData, 'comment') || (variable.qDescription ?? ''),
        // Some engines give no list of texts by a pointer.
        tags: [...new Set([...textsAt(variable.qData, 'tags'), ...textsAt(variable.qMeta, 'tags')])],
        scriptCreated: variable.qIsScriptCreated === true ? true : undefined,
        credentials: [...kinds].map((kind) => ({ kind })),
        ...named.facts,
      }),
    });
    // One that holds a piece of an expression has no value that comes from fields, but what expands it has.
    await writeDerives(out, keys, row.id, key, formula ? named : names.of([macro(definition)]));
  }
};

/** A definition as a part of an expression; a value, such as a path or a list of names, is none. */
const macro = (definition: string): Part => ({ text: macroExpression(definition) ?? '', role: 'value' });
