import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Problem } from '#protocol/status.ts';
import { readFromDiskAsync } from '../files.ts';
import { clearSecrets } from './clear-secrets.ts';

/** Files larger than this hold no single secret. */
const MAX_SECRET_BYTES = 4096;

/** True where the permission bits of a file mean something: Windows keeps rights elsewhere. */
const HAS_MODES = process.platform !== 'win32';

const modeOf = async (path: string): Promise<number | undefined> => {
  const stats: Stats | undefined = await stat(path).catch(() => undefined);
  return stats === undefined ? undefined : stats.mode & 0o777;
};

/** What a side file holds that nobody else should see; undefined for certificates and the like. */
const secretIn = (bytes: Buffer, path: string): string | undefined => {
  const text = bytes.toString('latin1');
  if (text.includes('PRIVATE KEY-----')) return 'a private key';
  if (extname(path).toLowerCase() === '.pfx') return 'a certificate with its private key';
  if (/^\s*(?:Bearer\s+)?eyJ[\w-]+\.[\w-]+\.[\w-]*\s*$/i.test(text)) return 'a token';
  // A part that connection files include.
  if (/^\.(?:conf|hocon|json|ya?ml)$/i.test(extname(path))) return clearSecrets(text, path)[0];
  const isMapping = extname(path).toLowerCase() === '.lineage';
  const plain =
    !isMapping && bytes.length <= MAX_SECRET_BYTES && /^[^\0\r\n]+\r?\n?$/.test(text) && !text.includes('-----');
  return plain ? 'a secret' : undefined;
};

const exposed = (file: string, path: string, mode: number, what: string): Problem => ({
  severity: 'warning',
  code: 'config.exposed',
  message: `Every user of this machine may read ${file} (mode ${mode.toString(8)}), and it holds ${what}.`,
  advice: `Make it readable for the user of the agent alone: chmod 600 ${basename(path)}`,
  file,
});

/** Warns of a connection file that others may read although secrets stand in it. */
export const lintExposure = async (file: string, path: string): Promise<readonly Problem[]> => {
  const mode = HAS_MODES ? await modeOf(path) : undefined;
  if (mode === undefined || (mode & 0o004) === 0) return [];
  const content = await readFromDiskAsync(path);
  if (content.type !== 'file') return [];
  const [first, ...more] = clearSecrets(content.bytes.toString('utf8'), path);
  if (first === undefined) return [];
  return [exposed(file, path, mode, more.length === 0 ? first : `${first} and ${more.length} more`)];
};

/** Warns of side files with secrets that others may read; `file` is the connection file that names them. */
export const lintSideFiles = async (file: string, paths: readonly string[]): Promise<readonly Problem[]> => {
  const problems: Problem[] = [];
  for (const path of paths) {
    const mode = HAS_MODES ? await modeOf(path) : undefined;
    if (mode === undefined || (mode & 0o004) === 0) continue;
    const content = await readFromDiskAsync(path);
    const what = content.type === 'file' ? secretIn(content.bytes, path) : undefined;
    if (what !== undefined) problems.push({ ...exposed(basename(path), path, mode, what), file });
  }
  return problems;
};
