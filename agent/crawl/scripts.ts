import { createHash } from 'node:crypto';
import { type ScriptContents, scriptContents } from '#agent/lineage/script/contents.ts';
import { scriptSections } from '#agent/lineage/script/sections.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { redactText, type SecretPlace, secretPlaces } from '#config/redaction/rules.ts';
import { keyPart } from '#protocol/keys.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { type JsonObject, present } from './attributes.ts';
import { numbered } from './keys.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { Includes } from './script-includes.ts';
import type { LastLog } from './site-files.ts';

/** A longer one is looked into only so far. */
const MOST_READ = 8 * 1024 * 1024;

/**
 * The load script of an app, its sections and what these include, without the secrets in them: of those only where they
 * stand. Where the logs of reloads can be read, with what the last one ran.
 */
export const writeScript = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys, files, lineage }: AppContext,
  { script, lists }: AppContent,
): Promise<void> => {
  if (script.trim() === '') return;
  // Redacted as a whole before it is cut: a section-access block may begin in one section and end in another.
  const text = redactText(script);
  let left = MOST_READ;
  const sections = scriptSections(text).map((section) => {
    const contents = scriptContents(section.text.slice(0, left));
    left = Math.max(0, left - section.text.length);
    return { ...section, contents };
  });
  const secrets = secretsBySection(script.slice(0, MOST_READ), sections);
  const includes = new Includes(files, lists.variables);
  const log = await files?.lastLog(row.id);
  const key = keys.of(row.id, 'script');
  // The policy may let lineage leave and no text that it is made of.
  const told = (own: string): string | undefined => (lineage?.withTexts === false ? undefined : own);
  await out.asset({
    kind: 'script',
    key,
    name: 'script',
    parent: keys.of(row.id),
    attributes: present({
      text: told(text),
      withheld: lineage?.withTexts === false || undefined,
      lines: text.split('\n').length,
      sizeBytes: Buffer.byteLength(script),
      // Of what leaves, so that whoever has it can check it, and nobody can try secrets against it.
      sha256: told(createHash('sha256').update(text).digest('hex')),
      statements: sections.reduce((sum, { contents }) => sum + contents.statements, 0),
      sectionAccess: sections.some(({ contents }) => contents.sectionAccess) || undefined,
      readInPart: text.length > MOST_READ || undefined,
      redacted: text !== script || undefined,
      ...(log === undefined ? {} : logFacts(log, told)),
    }),
  });
  const included = keys.of(row.id, 'script', 'include');
  const unique = numbered();
  for (const [index, section] of sections.entries()) {
    const sectionKey = keys.of(row.id, 'script', unique(section.name));
    const followed = await includes.follow(section.contents.includes);
    await out.asset({
      kind: 'scriptSection',
      key: sectionKey,
      name: section.name,
      parent: key,
      attributes: present({
        text: told(section.text),
        line: section.line,
        lines: section.text.split('\n').length,
        ...contentFacts(section.contents),
        includes: followed,
        credentials: placesOf(secrets.get(index)),
      }),
    });
    for (const path of readPaths(followed)) await out.edge('uses', sectionKey, `${included}/${keyPart(path)}`);
  }
  await files?.uses(row.id, includes.asked);
  for (const { path, text: own, contents, includes: inner, credentials, ...about } of includes.scripts.values()) {
    const includeKey = `${included}/${keyPart(path)}`;
    await out.asset({
      kind: 'scriptSection',
      key: includeKey,
      name: path.split(/[\\/]/).at(-1) ?? path,
      parent: key,
      attributes: present({
        text: told(own),
        included: true,
        path,
        lines: own.split('\n').length,
        ...about,
        sha256: told(about.sha256),
        ...contentFacts(contents),
        includes: [...inner],
        credentials: placesOf(credentials),
      }),
    });
    for (const other of readPaths(inner)) await out.edge('uses', includeKey, `${included}/${keyPart(other)}`);
  }
};

/** The last reload as its log tells it. */
const logFacts = (
  { file, script, cut, started, ended, failed }: LastLog,
  told: (own: string) => string | undefined,
): JsonObject =>
  present({
    expandedFrom: file,
    expanded: told(script),
    expandedCut: cut || undefined,
    lastRun: present({ started, ended, failed }),
  });

const placesOf = (places: readonly SecretPlace[] = []): JsonObject[] =>
  places.map(({ line, kind }) => ({ line, kind }));

/** Paths of the includes that were read; each is an asset of its own. */
const readPaths = (followed: readonly JsonObject[]): ReadonlySet<string> =>
  new Set(followed.flatMap(({ state, path, resolved }) => (state === 'read' ? [String(resolved ?? path)] : [])));

/** What a piece of script holds, as attributes. */
const contentFacts = (contents: ScriptContents): JsonObject =>
  present({
    statements: contents.statements,
    kinds: Object.fromEntries(contents.kinds),
    variables: [...contents.variables],
    mappings: [...contents.mappings],
    subroutines: [...contents.subroutines],
    connections: [...contents.connections],
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
