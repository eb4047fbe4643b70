import { dirname, resolve } from 'node:path';
import { asFault } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';
import { type Digests, digestsOf } from './connection/digests.ts';
import { readDocument } from './connection/document.ts';
import { SETTINGS_KEYS } from './connection/keys.ts';
import { checkKeys } from './connection/known-keys.ts';
import { Problems } from './connection/problem.ts';
import { readProxy } from './connection/proxy.ts';
import { SideFiles } from './connection/side-files.ts';
import { readTrust } from './connection/trust.ts';
import { Values } from './connection/values.ts';
import { type FileReader, readFromDisk } from './files.ts';
import { readGatewayUrl } from './gateway-url.ts';
import { loadPolicy, type PolicyFile } from './policy/policy-file.ts';
import type { ProxyChoice } from './proxy.ts';
import { fetchIndirect } from './secrets/indirect.ts';
import { KeyFile } from './secrets/key-file.ts';
import type { KeyStore } from './secrets/key-store.ts';
import type { SecretManagerSettings } from './secrets/manager.ts';
import { readSecretManager } from './secrets/manager-settings.ts';
import { processDigestKey } from './secrets/secrets.ts';
import { descend, scalarsOf, type Tree } from './tree.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LEVELS)[number];
const TRANSPORTS = ['auto', 'websocket', 'polling'] as const;
/** How the agent reaches the catalog; `auto`: by WebSocket, or by long polling where that does not come through. */
export type TransportMode = (typeof TRANSPORTS)[number];

/** `agent.conf`, validated; every path is absolute. */
export interface Settings {
  /** Absolute path of the file itself. */
  readonly file: string;
  /** Name of the agent in the catalog; undefined for the name of the machine. */
  readonly name: string | undefined;
  /** `wss://host[:port]`, or `ws://` to this machine, without trailing slash; undefined for an agent without a catalog. */
  readonly gatewayUrl: string | undefined;
  readonly transport: TransportMode;
  readonly connectionsFolder: string;
  readonly stateFolder: string;
  readonly tls: {
    /** PEM certificates to trust for the catalog besides the default roots. */
    readonly extraAuthorities: readonly string[];
    /** True: the default roots are not trusted. */
    readonly replaceDefaultRoots: boolean;
    /** True: the authorities of the operating system are trusted, too. */
    readonly systemAuthorities: boolean;
    readonly bypassCertificateValidation: boolean;
  };
  /** What the machine's administrator allows the catalog to ask; a file that is broken leaves the rest usable. */
  readonly policy: PolicyFile;
  /** The proxy on the way to the catalog; undefined for none. */
  readonly proxy: ProxyChoice | undefined;
  /** Where connections find the secrets that are not in their files; undefined for nowhere. */
  readonly secretManager: SecretManagerSettings | undefined;
  /** The only folders besides {@link connectionsFolder} that connections may take files from; undefined for any. */
  readonly secretFolders: readonly string[] | undefined;
  readonly log: {
    readonly level: LogLevel;
    /** Undefined: the standard one in the state folder, and the standard error. */
    readonly file: string | undefined;
    readonly maxBytes: number;
    readonly files: number;
  };
  /** Port of the health endpoints on loopback; 0 for none, undefined for any free one of the standard range. */
  readonly healthPort: number | undefined;
  readonly watch: {
    readonly polling: boolean;
    readonly intervalMs: number;
    /** How often to look whether what lineage was made with changed. */
    readonly lineageMs: number;
  };
}

export interface LoadedSettings {
  /** Absent when there is an error among the problems. */
  readonly settings: Settings | undefined;
  readonly problems: readonly Problem[];
  /** Absolute paths of `agent.conf` and of every file that it names, also of missing ones. */
  readonly files: readonly string[];
  /** Changes with any of them. */
  readonly contentHash: string;
  readonly digests: Digests;
  /** The same for the files that it names. */
  readonly outsideDigests: Digests;
}

/** Reads `agent.conf` (HOCON). Paths in it are relative to the file. Never throws for a bad or missing file. */
export const loadSettings = (
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  read: FileReader = readFromDisk,
  openKeys: (stateFolder: string) => KeyStore = (stateFolder) => new KeyFile(stateFolder),
): LoadedSettings => {
  const file = resolve(path);
  const folder = dirname(file);
  const content = read(file);
  if (content.type !== 'file') {
    const problems = new Problems(path);
    problems.error('config.unreadable', undefined, `The settings cannot be read: ${content.reason}.`);
    return {
      settings: undefined,
      problems: problems.list(),
      files: [file],
      contentHash: '',
      digests: new Map(),
      outsideDigests: new Map(),
    };
  }
  const files = new SideFiles(folder, read, 'none');
  const found = (settings: Settings | undefined): LoadedSettings => {
    const digests = digestsOf(tree);
    return {
      settings: problems.failed ? undefined : settings,
      problems: problems.list(),
      files: [file, ...files.paths(), ...keyFiles],
      contentHash: files.hash(content.bytes, processDigestKey, [[...digests.values()].join()]),
      digests,
      outsideDigests: files.digests(),
    };
  };
  const document = readDocument(content.bytes, path, { folder, env, read: files.read });
  const { problems, placeOf, emptyAt } = document;
  let tree: Tree = document.tree ?? { type: 'object', entries: new Map(), at: { file: path, line: 1, column: 1 } };
  let keyFiles: readonly string[] = [];
  if (document.tree === undefined) return found(undefined);
  tree = withOwnSpelling(tree, problems);
  const keys = openKeys(stateFolderOf(tree, folder));
  const onKey = (): void => {
    keyFiles = keys.files;
  };
  tree = fetchIndirect(tree, SETTINGS_KEYS, { files, keys, problems, onKey });
  problems.withhold(scalarsOf(tree, 'withheld'));
  checkKeys(tree, SETTINGS_KEYS, problems, placeOf);
  const values = new Values(tree, SETTINGS_KEYS, problems, emptyAt);
  const optional = (key: string): string | undefined => values.text(key)?.value.trim();
  const logFile = optional('log.file');
  const bypass = values.flag('tls.bypass_certificate_validation');
  if (bypass)
    problems.warn(
      'config.suspicious_value',
      placeOf('tls.bypass_certificate_validation'),
      'The certificate of the catalog is not checked: whoever stands between can read what is sent.',
      'Name the certificate of the authority in tls.truststore.path instead.',
    );
  const proxy = readProxy(values, files, problems, env);
  const settings: Settings = {
    file,
    name: optional('name'),
    gatewayUrl: readGateway(values, problems),
    transport: TRANSPORTS.find((transport) => transport === optional('gateway.transport')) ?? 'auto',
    connectionsFolder: resolve(folder, optional('connections') ?? 'connections'),
    stateFolder: stateFolderOf(tree, folder),
    tls: { ...readTrust(values, files, problems), bypassCertificateValidation: bypass },
    policy: policyOf(values, folder, env, files.read),
    proxy,
    secretManager: readSecretManager(values, files, problems, env),
    secretFolders: readFolders(values, problems)?.map((path) => resolve(folder, path)),
    log: {
      level: LEVELS.find((level) => level === optional('log.level')) ?? 'info',
      file: logFile === undefined ? undefined : resolve(folder, logFile),
      maxBytes: values.integer('log.max_bytes') ?? 0,
      files: values.integer('log.files') ?? 0,
    },
    healthPort: values.integer('health.port'),
    watch: {
      polling: values.flag('watch.polling'),
      intervalMs: values.durationMs('watch.interval'),
      lineageMs: values.durationMs('watch.lineage'),
    },
  };
  return found(settings);
};

/** A key that stands there without a value was to name one: that is no policy that allows everything. */
const policyOf = (
  values: Values,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  read: FileReader,
): PolicyFile => {
  const given = values.text('policy');
  if (given !== undefined) return loadPolicy(resolve(folder, given.value.trim()), folder, env, read);
  const at = values.placeOf('policy');
  if (at === undefined) return { type: 'none' };
  const problems = new Problems(at.file);
  problems.error(
    'config.empty_value',
    at,
    'policy names no file.',
    'Name the policy file, or remove the line if this agent is to have none.',
  );
  return { type: 'broken', file: at.file, problems: problems.list() };
};

/** A text or a list of texts. Undefined when the key is not there; an empty list allows no other folder. */
const readFolders = (values: Values, problems: Problems): readonly string[] | undefined => {
  const node = values.node('secrets.folders');
  if (node === undefined || (node.type === 'scalar' && node.value === null)) return undefined;
  const folders: string[] = [];
  for (const item of node.type === 'list' ? node.items : [node])
    if (item.type === 'scalar' && item.value !== null && item.text.trim() !== '') folders.push(item.text.trim());
    else
      problems.error(
        'config.invalid',
        item.at,
        'secrets.folders must be a list of folders.',
        'Write secrets.folders = ["/run/secrets"], for instance.',
      );
  return folders;
};

const stateFolderOf = (tree: Tree, folder: string): string => {
  const state = descend(tree, ['state']);
  const path = state?.type === 'scalar' && state.value !== null ? state.text.trim() : '';
  return resolve(folder, path === '' ? 'state' : path);
};

/**
 * The state folder that a settings file names, though the rest of it may be wrong: the key of encrypted values must be
 * found before values that it cannot open are written anew. Undefined when the file cannot be read at all.
 */
export const findStateFolder = (
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined => {
  const folder = dirname(resolve(path));
  const content = readFromDisk(path);
  if (content.type !== 'file') return undefined;
  const { tree } = readDocument(content.bytes, path, { folder, env, read: readFromDisk });
  return tree === undefined ? undefined : stateFolderOf(tree, folder);
};

/** Keys of the block `secret-manager` in our spelling: Zeenea writes `secret-manager` and `file-path`. */
const withOwnSpelling = (tree: Tree, problems: Problems): Tree => {
  const foreign = descend(tree, ['secret-manager']);
  const own = descend(tree, ['secret_manager']);
  if (tree.type !== 'object') return tree;
  if (foreign !== undefined && own !== undefined)
    problems.error(
      'config.invalid',
      foreign.at,
      'secret-manager and secret_manager are both there; they mean the same.',
      'Keep one of them.',
    );
  const block = own ?? foreign;
  if (block === undefined) return tree;
  const entries = new Map([...tree.entries].filter(([key]) => key !== 'secret-manager' && key !== 'secret_manager'));
  return { ...tree, entries: entries.set('secret_manager', respelled(block)) };
};

const respelled = (tree: Tree): Tree =>
  tree.type === 'object'
    ? { ...tree, entries: new Map([...tree.entries].map(([key, node]) => [key.replaceAll('-', '_'), respelled(node)])) }
    : tree;

const readGateway = (values: Values, problems: Problems): string | undefined => {
  const given = values.text('gateway.url');
  if (given === undefined) return undefined;
  try {
    return readGatewayUrl(given.value.trim()).href.replace(/(?<!\/)\/+$/, '');
  } catch (error) {
    const { code, message, advice } = asFault(error);
    problems.error(code, given.at, message, advice);
    return undefined;
  }
};
