import { looksLikePem, unescapePem } from '../connection/pem.ts';
import { Problems } from '../connection/problem.ts';
import { CONNECTION_AT, OPENMETADATA_KEYS } from '../openmetadata/keys.ts';
import type { Setting } from '../openmetadata/setting.ts';
import { fromOpenMetadata } from '../openmetadata/translate.ts';
import type { Environment } from '../proxy-environment.ts';
import { descend, type Tree } from '../tree.ts';
import type { Item } from '../writing/connection-file.ts';
import { bareValue, type Piece, textValue, type WrittenValue } from '../writing/value.ts';
import { movedPath } from './paths.ts';
import type { ImportContext, ImportPlan, SidePlan } from './plan.ts';

const NOTES: Readonly<Record<string, string>> = {
  name: 'Label in the catalog (serviceName).',
  code: 'First part of the key of every asset, made from serviceName; changing it makes a new connection.',
  'connection.display_url': 'Base of links for people (displayUrl).',
  'tls.verify_host_name':
    'validateHostName. Set it to true when the URL has the name that stands in the certificate of the server.',
  'connection.auth.key': 'OpenMetadata sends this header; the virtual proxy must have it as its header name.',
  'connection.auth.value': 'userDirectory and userId, as OpenMetadata puts them together.',
  'tls.truststore.path': 'rootCertificate',
};
/** Names of the side files that certificates by value go to. */
const SIDE_FILES: Readonly<Record<string, string>> = {
  'connection.auth.certificate.path': 'client.pem',
  'connection.auth.certificate.key_path': 'client_key.pem',
  'connection.auth.certificate.ca_path': 'root.pem',
  'tls.truststore.path': 'root.pem',
};

/** Plans a connection file from an ingestion file of OpenMetadata for Qlik Sense. */
export const planFromOpenMetadata = (tree: Tree, context: ImportContext, env: Environment): ImportPlan => {
  const problems = new Problems(context.file);
  const translation = fromOpenMetadata(tree, problems, env, () => undefined);
  if (translation === undefined) return { type: 'refused', problems: problems.list().filter(isError) };
  const sideFiles: SidePlan[] = [];
  const items: Item[] = [];
  const dropped: string[] = [];
  for (const setting of translation.settings) {
    const note = noteOf(setting, translation.repositoryAssumed);
    items.push({
      type: 'value',
      path: setting.path.split('.'),
      value: written(setting, context, env, sideFiles),
      ...(note === undefined ? {} : { note }),
    });
    if (setting.path === lastOfConnection(translation.settings))
      items.push(...droppedBelow(tree, `${CONNECTION_AT}.`, ['connection'], dropped));
  }
  items.push(...droppedBelow(tree, 'source.sourceConfig.', [], dropped));
  items.push(...droppedBelow(tree, '', [], dropped));
  for (const { code, message } of problems.list())
    if (code === 'config.unknown_key') items.push({ type: 'note', in: [], text: `Left out: ${message}` });
  return { type: 'plan', product: 'OpenMetadata', items, sideFiles, dropped };
};

const isError = ({ severity }: { readonly severity: string }): boolean => severity === 'error';

const lastOfConnection = (settings: readonly Setting[]): string | undefined =>
  settings.findLast(({ path }) => path.startsWith('connection.'))?.path;

const noteOf = (setting: Setting, assumed: boolean): string | undefined => {
  const { path, text } = setting;
  if (path === 'connection.url' && assumed)
    return 'The repository service: hostPort names the engine only, so this is taken to be its port 4242. Change it if the repository runs elsewhere.';
  if (path === 'connection.engine_url') return 'The engine (hostPort).';
  if (path === 'connection.auth.certificate.key_path' && looksLikePem(text))
    return 'Keep it readable for the user of the agent alone.';
  return path.startsWith('crawl.') ? setting.from : NOTES[path];
};

const written = (setting: Setting, context: ImportContext, env: Environment, sideFiles: SidePlan[]): WrittenValue => {
  const { path, text, items } = setting;
  // A list of JSON is one of HOCON and of YAML.
  if (items !== undefined) return { pieces: [JSON.stringify(items.map((item) => item.text))], bare: true };
  if (path === 'tls.verify_host_name' || path === 'secret_manager.enabled' || path.startsWith('crawl.'))
    return bareValue(text);
  if (setting.written !== text || /\$\{\??secret_manager\./.test(text))
    return { pieces: piecesOf(setting.written, env), bare: false };
  const side = SIDE_FILES[path];
  if (side === undefined || !looksLikePem(text)) return movedPath(path, textValue(text), context);
  const pem = `${unescapePem(text).trim()}\n`;
  // On the standard output there is no place beside the file. A trust store by value stands on one line.
  if (context.target === undefined) return textValue(path.startsWith('tls.') ? text : pem.trimEnd());
  const name = `${context.stem}-${side}`;
  sideFiles.push({ name, content: pem });
  return textValue(name);
};

/** `$NAME` and `${NAME}` as substitutions of HOCON; a name that is not set is text there, too. */
const piecesOf = (written: string, env: Environment): readonly Piece[] => {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of written.matchAll(/\$(?:(\w+)|\{([^{}]*)\})/g)) {
    const name = match[1] ?? match[2] ?? '';
    const managed = /^\??secret_manager\./.test(name);
    if (env[name] === undefined && !managed) continue;
    if (match.index > at) pieces.push(written.slice(at, match.index));
    pieces.push({ reference: `\${${name}}` });
    at = match.index + match[0].length;
  }
  if (at < written.length) pieces.push(written.slice(at));
  return pieces;
};

/** Notes on the options below a path that have no effect; each option is noted once. */
const droppedBelow = (tree: Tree, prefix: string, container: readonly string[], dropped: string[]): readonly Item[] => {
  const notes: Item[] = [];
  for (const { path, remark } of OPENMETADATA_KEYS) {
    if (remark === undefined || dropped.includes(path) || !path.startsWith(prefix)) continue;
    const node = descend(tree, path.split('.'));
    if (node === undefined || (node.type === 'scalar' && node.text.trim() === '')) continue;
    dropped.push(path);
    const same = node.type === 'scalar' && remark.same.includes(node.text.trim().toLowerCase());
    const name = path.slice(path.lastIndexOf('.') + 1);
    notes.push({
      type: 'note',
      in: container,
      text: same
        ? `Left out: ${name}, which is what Culvert does anyway.`
        : `Left out: ${remark.message}${remark.advice.startsWith('Nothing') ? '' : ` ${remark.advice}`}`,
    });
  }
  return notes;
};
