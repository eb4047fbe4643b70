import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** The folder of the package that a file belongs to; undefined for a file of this repository. */
const packageFolder = (file: string): string | undefined => {
  const found = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.replaceAll('\\', '/'));
  return found?.[1];
};

/**
 * The licences of all packages that these files come from, as one text: name, version and licence of each, and what its
 * licence and notice files say.
 *
 * @param root folder that relative paths start from
 * @throws Error for a package that names no licence: what nobody may pass on does not belong into a release
 */
export const collectLicences = (
  root: string,
  files: Iterable<string>,
): { readonly text: string; readonly packages: number } => {
  const folders = new Set<string>();
  for (const file of files) {
    const folder = packageFolder(join(root, file));
    if (folder !== undefined) folders.add(folder);
  }
  const entries = new Map<string, string>();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const texts = readdirSync(folder)
      .filter((file) => LICENCE_FILE.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
    if (license === undefined && texts.length === 0) throw new Error(`${name} ${version} names no licence`);
    entries.set(`${name} ${version}`, [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n'));
  }
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  const sorted = [...entries.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  const head = 'Culvert contains these packages, each under its own licence.';
  return { text: `${[head, ...sorted].join(rule)}\n`, packages: entries.size };
};
