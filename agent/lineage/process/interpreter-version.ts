import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Put in place by the bundler; the sources run without it. */
declare const CULVERT_INTERPRETER: string | undefined;

/** All that decides what becomes of a script and of what surrounds it, and how it is written down. */
const SOURCES = [
  'agent/lineage',
  'agent/crawl/lineage',
  'config/lineage-mapping',
  'config/redaction',
  'protocol/lineage.ts',
];
const SQL_PARSER = 'node_modules/@polyglot-sql/sdk/package.json';

let known: string | undefined;

/**
 * Another one when the same script with the same surroundings may give another lineage: then the lineage of all apps is
 * made anew from what was kept of them. The same for the same sources, in a release and without one.
 */
export const interpreterVersion = (): string => {
  known ??=
    typeof CULVERT_INTERPRETER === 'undefined'
      ? versionOfSources(join(import.meta.dirname, '..', '..', '..'))
      : CULVERT_INTERPRETER;
  return known;
};

/** Of the sources below a folder, whatever their lines end with; the parser of SQL counts by its version. */
export const versionOfSources = (root: string): string => {
  const hash = createHash('sha256');
  const files = SOURCES.flatMap((place) =>
    place.endsWith('.ts')
      ? [place]
      : globSync(`${place}/**/*.ts`, { cwd: root }).map((file) => file.replaceAll('\\', '/')),
  );
  for (const file of files.sort()) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');
    hash.update(`${file}\n${text.length}\n${text}\n`);
  }
  const { version } = JSON.parse(readFileSync(join(root, SQL_PARSER), 'utf8')) as { readonly version: string };
  return hash.update(version).digest('hex').slice(0, 16);
};
