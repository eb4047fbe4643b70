import { createHash } from 'node:crypto';
import { type ScriptContents, scriptContents } from '#agent/lineage/script/contents.ts';
import { scriptSections } from '#agent/lineage/script/sections.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { redactText, type SecretPlace, secretPlaces } from '#config/redaction/rules.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-scope.ts';
import { type JsonObject, present } from './attributes.ts';
import { numbered } from './keys.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** The load script of an app and its sections, without the secrets in them: of those only where they stand. */
export const writeScript = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { script }: AppContent,
): Promise<void> => {
  if (script.trim() === '') return;
  // Redacted as a whole before it is cut: a section-access block may begin in one section and end in another.
  const text = redactText(script);
  const sections = scriptSections(text).map((section) => ({ ...section, contents: scriptContents(section.text) }));
  const secrets = secretsBySection(script, sections);
  const key = keys.of(row.id, 'script');
  await out.asset({
    kind: 'script',
    key,
    name: 'script',
    parent: keys.of(row.id),
    attributes: present({
      text,
      lines: text.split('\n').length,
      sizeBytes: Buffer.byteLength(script),
      // Of what leaves, so that whoever has it can check it, and nobody can try secrets against it.
      sha256: createHash('sha256').update(text).digest('hex'),
      statements: sections.reduce((sum, { contents }) => sum + contents.statements, 0),
      sectionAccess: sections.some(({ contents }) => contents.sectionAccess) || undefined,
      redacted: text !== script || undefined,
    }),
  });
  const unique = numbered();
  for (const [index, section] of sections.entries()) {
    await out.asset({
      kind: 'scriptSection',
      key: keys.of(row.id, 'script', unique(section.name)),
      name: section.name,
      parent: key,
      attributes: present({
        text: section.text,
        line: section.line,
        lines: section.text.split('\n').length,
        ...contentFacts(section.contents),
        credentials: (secrets.get(index) ?? []).map(({ line, kind }) => ({ line, kind })),
      }),
    });
  }
};

/** What a piece of script holds, as attributes. */
export const contentFacts = (contents: ScriptContents): JsonObject =>
  present({
    statements: contents.statements,
    kinds: Object.fromEntries(contents.kinds),
    variables: [...contents.variables],
    mappings: [...contents.mappings],
    subroutines: [...contents.subroutines],
    connections: [...contents.connections],
    includes: contents.includes.map(({ path, must, line }) => present({ path, must: must || undefined, line })),
    sectionAccess: contents.sectionAccess || undefined,
  });

/**
 * The places of secrets in the script as it was written, by the section (its position) that they stand in; lines count
 * from the section's first.
 */
const secretsBySection = (
  script: string,
  sections: readonly { readonly line: number }[],
): ReadonlyMap<number, readonly SecretPlace[]> => {
  const found = new Map<number, SecretPlace[]>();
  for (const { line, kind } of secretPlaces(script)) {
    const index = Math.max(
      0,
      sections.findLastIndex((section) => section.line <= line),
    );
    const first = sections[index]?.line ?? 1;
    found.set(index, [...(found.get(index) ?? []), { line: Math.max(1, line - first + 1), kind }]);
  }
  return found;
};
