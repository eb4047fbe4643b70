import { dirname, extname, resolve } from 'node:path';
import type { KeySpec } from '../connection/key-spec.ts';
import { CONNECTION_KEYS } from '../connection/keys.ts';
import { readFromDisk } from '../files.ts';
import { parseHocon } from '../hocon/hocon.ts';
import { OPENMETADATA_KEYS } from '../openmetadata/keys.ts';
import type { Tree } from '../tree.ts';
import { parseYaml } from '../yaml.ts';

const SECRET_KEYS: ReadonlySet<string> = new Set([
  ...[...CONNECTION_KEYS, ...OPENMETADATA_KEYS]
    .filter((key: KeySpec) => key.secret === true && key.type !== 'any')
    .map(({ path }) => path),
  'workflowConfig.openMetadataServerConfig.securityConfig.jwtToken',
]);
/** Keys that may hold either a secret itself or the path of its file. */
const PATH_OR_PEM = /\.(?:key_path|clientKeyCertificate)$/;

/** A value that says where the secret is, or that is encrypted. */
const isElsewhere = (text: string): boolean =>
  /^\s*(?:file:|encrypted:v\d+:|secret:\/)/i.test(text) || /\$\{[^{}]*\}|^\s*\$\w+\s*$/.test(text);

const isClear = (path: string, text: string): boolean =>
  text.trim() !== '' &&
  (text.includes('PRIVATE KEY-----') || (SECRET_KEYS.has(path) && !PATH_OR_PEM.test(path) && !isElsewhere(text)));

/** The keys whose secrets stand in a connection file as they are, for whoever can read the file. */
export const clearSecrets = (text: string, path: string): readonly string[] => {
  const extension = extname(path).toLowerCase();
  if (extension === '.yaml' || extension === '.yml' || extension === '.json') {
    const { tree } = parseYaml(text, path);
    return tree === undefined ? [] : [...new Set(inTree(tree, ''))];
  }
  const { fields, source } = parseHocon(text, path, {
    includes: { folder: resolve(dirname(path)), read: readFromDisk },
  });
  const found = new Set<string>();
  for (const field of fields) {
    if (field.source !== source || field.tokens.some(({ type }) => type === '{' || type === 'reference')) continue;
    const value = field.tokens
      .map((token) => {
        if (token.type === 'string') return token.value;
        return token.type === 'text' || token.type === 'number' ? token.text : '';
      })
      .join('');
    const key = field.path.join('.');
    if (isClear(key, value)) found.add(key);
  }
  return [...found];
};

function* inTree(tree: Tree, path: string): Generator<string> {
  if (tree.type === 'scalar') {
    if (tree.value !== null && isClear(path, tree.text)) yield path;
  } else if (tree.type === 'list') for (const item of tree.items) yield* inTree(item, path);
  else for (const [key, value] of tree.entries) yield* inTree(value, path === '' ? key : `${path}.${key}`);
}
