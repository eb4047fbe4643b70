import { DELETION_POLICIES } from '#protocol/job-options.ts';
import { CODE_PATTERN, connectionCode } from '#protocol/keys.ts';
import type { Problem } from '#protocol/status.ts';
import type { FileBounds } from '../file-bounds.ts';
import { type FileReader, MAX_FILE_BYTES, readFromDisk } from '../files.ts';
import { readLineageMapping } from '../lineage-mapping/read-mapping.ts';
import { openMetadataSource } from '../openmetadata/recognise.ts';
import { fromOpenMetadata, OPTION_NAMES, type Translation } from '../openmetadata/translate.ts';
import { coversWeek } from '../policy/hours.ts';
import { CONNECTION_POLICY_KEYS } from '../policy/keys.ts';
import { readPolicy, readZonedHours } from '../policy/policy.ts';
import type { Environment } from '../proxy-environment.ts';
import { fetchIndirect } from '../secrets/indirect.ts';
import type { KeyStore } from '../secrets/key-store.ts';
import { refuseMisplaced } from '../secrets/misplaced.ts';
import { processDigestKey } from '../secrets/secrets.ts';
import { descend, type Place, scalarsOf, type Tree } from '../tree.ts';
import { readAddresses } from './address.ts';
import { authenticationType, readAuthentication } from './authentication.ts';
import type { Authentication, Connection } from './connection.ts';
import { digestsOf } from './digests.ts';
import { readDocument } from './document.ts';
import { type FilterContext, readFilter } from './filters.ts';
import { CONNECTION_KEYS } from './keys.ts';
import { checkKeys } from './known-keys.ts';
import { OutsideValues } from './outside-values.ts';
import { Problems } from './problem.ts';
import { readProxy } from './proxy.ts';
import { readReadablePaths } from './readable-paths.ts';
import { type KnownSecrets, SecretReferences } from './secret-references.ts';
import { SideFiles } from './side-files.ts';
import { readTrust } from './trust.ts';
import { Values } from './values.ts';

export interface ParseOptions {
  /** Absolute path of the connections folder: includes stay inside, relative paths start here. */
  readonly folder: string;
  /** For `${NAME}`; default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads includes, trust stores, tokens and certificates; default: from the disk. */
  readonly readFile?: FileReader;
  /** For expiry dates, in ms since 1970; default: now. */
  readonly nowMs?: number;
  /** The secret manager of `agent.conf`; absent: it has none. */
  readonly secrets?: KnownSecrets | undefined;
  /** The agent's key, for encrypted values; absent: it is not known. */
  readonly keys?: KeyStore | undefined;
  /** Which files it may name; absent: any but those that the system makes up. */
  readonly bounds?: FileBounds | undefined;
  /** Makes content hashes what only this agent can compute; default: anew for each process. */
  readonly digestKey?: Uint8Array | undefined;
}

export interface ParsedConnection {
  /** Absent when there is an error among the problems. */
  readonly connection: Connection | undefined;
  readonly problems: readonly Problem[];
  /** As far as they could be read, also when the file is refused. */
  readonly code: string | undefined;
  readonly name: string | undefined;
  /** HMAC-SHA-256 (hex) of the file, its side files and its secrets. */
  readonly contentHash: string;
  /** Absolute paths of the files that it named, also of missing ones, and of those that its secrets come from. */
  readonly sideFiles: readonly string[];
  /** For each key that is set a digest of its value, to tell which keys an edit changed. */
  readonly digests: ReadonlyMap<string, string>;
  /** The same for what stands outside the file: `file token.txt`, `secret qlik-prod`. */
  readonly outsideDigests: ReadonlyMap<string, string>;
}

/**
 * Reads one connection file: HOCON, YAML or JSON by its extension. Everything wrong is in `problems`, with place and
 * fix; nothing is thrown for bad input, and no secret is in a problem.
 */
export const parseConnection = (
  text: string | Uint8Array,
  fileName: string,
  options: ParseOptions,
): ParsedConnection => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const files = new SideFiles(options.folder, options.readFile ?? readFromDisk, options.bounds);
  const outside = new OutsideValues(options.secrets, options.keys);
  const common = () => ({
    contentHash: files.hash(bytes, options.digestKey ?? processDigestKey, outside.versions()),
    sideFiles: [...files.paths(), ...outside.files],
    outsideDigests: new Map([...files.digests(), ...outside.digests()]),
  });
  const refused = (problems: Problems): ParsedConnection => ({
    connection: undefined,
    problems: problems.list(),
    code: undefined,
    name: undefined,
    digests: new Map(),
    ...common(),
  });
  if (bytes.byteLength > MAX_FILE_BYTES) {
    const problems = new Problems(fileName);
    problems.error('config.too_large', undefined, 'The file is larger than 1 MiB.');
    return refused(problems);
  }
  const env = options.env ?? process.env;
  const references = new SecretReferences(outside.secrets);
  const document = readDocument(bytes, fileName, {
    folder: options.folder,
    env,
    read: files.read,
    outside: references.open,
  });
  const { problems, placeOf, emptyAt } = document;
  references.report(problems);
  if (document.tree === undefined) return refused(problems);
  const foreign = readForeign(document.tree, problems, env, placeOf);
  if (foreign === 'refused') return refused(problems);
  const written = foreign?.tree ?? document.tree;
  const fetched = fetchIndirect(written, CONNECTION_KEYS, {
    files,
    keys: options.keys,
    code: writtenCode(written),
    problems,
    onKey: outside.needKey,
  });
  problems.withhold(scalarsOf(fetched, 'withheld'));
  const tree = refuseMisplaced(fetched, CONNECTION_KEYS, problems);
  if (foreign === undefined) checkKeys(tree, CONNECTION_KEYS, problems, placeOf);
  const values = new Values(tree, CONNECTION_KEYS, problems, foreign ? () => undefined : emptyAt);
  const nowMs = options.nowMs ?? Date.now();
  const source = { file: fileName, text: new TextDecoder().decode(bytes) };
  const draft = readConnection(values, files, problems, nowMs, env, { folder: options.folder, source });
  const rest = common();
  return {
    connection:
      draft.connection === undefined || problems.failed
        ? undefined
        : {
            ...draft.connection,
            ...(foreign?.repositoryAssumed === true ? { repositoryAssumed: true as const } : {}),
            file: fileName,
            contentHash: rest.contentHash,
            outside: [...rest.outsideDigests.keys()].filter((name) => !files.shown().has(name)),
          },
    problems: problems.list(),
    code: draft.code,
    name: draft.name,
    // The journal calls keys as the file does.
    digests: digestsOf(foreign === undefined ? tree : document.tree),
    ...rest,
  };
};

/** The code, before anything is said of it; undefined when there is none. */
const writtenCode = (tree: Tree): string | undefined => {
  const node = descend(tree, ['code']);
  const text = node?.type === 'scalar' && node.value !== null && node.origin === undefined ? node.text.trim() : '';
  return text === '' ? undefined : connectionCode(text);
};

/** The keys of a file of another product, `refused` when it cannot be used, undefined for a file of our own. */
const readForeign = (
  tree: Tree,
  problems: Problems,
  env: Environment,
  placeOf: (path: string) => Place | undefined,
): Translation | 'refused' | undefined => {
  const source = openMetadataSource(tree);
  if (source === undefined) return undefined;
  if (source !== 'qliksense') {
    problems.error(
      'config.invalid',
      placeOf('source.type') ?? placeOf('source'),
      'This is an ingestion file of OpenMetadata for another source than Qlik Sense.',
      'Only source.type: qliksense is read here; move the file out of the folder.',
    );
    return 'refused';
  }
  const translation = fromOpenMetadata(tree, problems, env, placeOf);
  problems.callKeys(OPTION_NAMES);
  return translation ?? 'refused';
};

const readConnection = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
  env: Environment,
  where: Pick<FilterContext, 'folder' | 'source'>,
): {
  readonly connection: Omit<Connection, 'file' | 'contentHash'> | undefined;
  readonly code: string | undefined;
  readonly name: string | undefined;
} => {
  const name = values.text('name')?.value.trim();
  const code = readCode(values, problems);
  const connectorId = values.text('connector_id');
  values.flag('secret_manager.enabled');
  values.text('secret_manager.key');
  const addresses = readAddresses(values, authenticationType(values) as Authentication['type'] | undefined, problems);
  const authentication = readAuthentication(values, files, problems, nowMs);
  const brought =
    authentication !== undefined && 'authority' in authentication && authentication.authority !== undefined;
  const trust = readTrust(values, files, problems, brought);
  const proxy = readProxy(values, files, problems, env);
  const bypass = values.flag('tls.bypass_certificate_validation');
  if (bypass)
    problems.warn(
      'config.suspicious_value',
      values.node('tls.bypass_certificate_validation')?.at,
      'Certificates of the server are not checked: whoever stands between can read the credentials.',
      'Name the certificate of the authority in tls.truststore.path instead.',
    );
  const catalog = values.text('catalog_code');
  if (catalog !== undefined && catalog.value.trim() !== 'default')
    problems.warn(
      'config.unknown_key',
      catalog.at,
      'catalog_code has no effect: an agent has one catalog, the one that it enrolled with.',
      'Delete the line, or write default.',
    );
  const paths = readReadablePaths(values, files, problems);
  const lineageMapping = readLineageMapping(values, files, problems, { folder: where.folder, env });
  const optional = (path: string): string | undefined => values.text(path)?.value;
  const rest = {
    enabled: values.flag('enabled'),
    environment: optional('environment'),
    description: optional('description'),
    accessNotes: optional('access_notes'),
    tls: {
      ...trust,
      verifyHostName: values.flag('tls.verify_host_name'),
      bypassCertificateValidation: bypass,
    },
    proxy,
    dedicatedUser: values.flag('connection.auth.dedicated_user'),
    ...readOwnPolicy(values, problems),
    ...readFilter({ values, files, problems, ...where }),
    ...(paths === undefined ? {} : { paths }),
    ...(lineageMapping === undefined ? {} : { lineageMapping }),
    crawl: {
      engineSessions: values.integer('crawl.engine_sessions') ?? 2,
      appTimeoutMs: values.durationMs('crawl.app_timeout'),
      fullEveryMs: values.durationMs('crawl.full_every'),
      ...readDeletion(values),
      ...readBounds(values, problems),
      sheetId: values.text('crawl.sheet_id')?.value === 'repository' ? ('repository' as const) : ('engine' as const),
    },
  };
  if (name === undefined || code === undefined || connectorId === undefined)
    return { connection: undefined, code, name };
  if (addresses === undefined || authentication === undefined) return { connection: undefined, code, name };
  return { connection: { code, name, ...rest, ...addresses, authentication }, code, name };
};

/** Absent when the file leaves it to the catalog. */
const readDeletion = (values: Values): Pick<Connection['crawl'], 'deletion'> => {
  const text = values.text('crawl.deletion')?.value;
  const deletion = DELETION_POLICIES.find((policy) => policy === text);
  return deletion === undefined ? {} : { deletion };
};

/** How large an app may be and when to keep away; absent when the file does not say. */
const readBounds = (values: Values, problems: Problems): Pick<Connection['crawl'], 'appMaxBytes' | 'quietHours'> => {
  const appMaxBytes = values.sizeBytes('crawl.app_max_size');
  const quietHours = readZonedHours(values, 'crawl.quiet_hours', problems);
  if (quietHours !== undefined && coversWeek(quietHours.windows))
    problems.error(
      'config.invalid',
      values.placeOf('crawl.quiet_hours'),
      'The quiet hours leave no minute of a week: nothing could ever be crawled.',
      'Leave some time for a crawl, or write enabled = false.',
    );
  return {
    ...(appMaxBytes === undefined ? {} : { appMaxBytes }),
    ...(quietHours === undefined ? {} : { quietHours }),
  };
};

/** Absent when the file has none. */
const readOwnPolicy = (values: Values, problems: Problems): Pick<Connection, 'policy'> => {
  const block = values.node('policy');
  const at = values.placeOf('policy');
  if (block === undefined && at)
    problems.error('config.empty_value', at, 'policy has no value.', 'Give it one, or take the line out.');
  return block === undefined ? {} : { policy: readPolicy(values, CONNECTION_POLICY_KEYS, 'policy.', block, problems) };
};

const readCode = (values: Values, problems: Problems): string | undefined => {
  const given = values.text('code');
  if (given === undefined) return undefined;
  const written = given.value.trim();
  if (CODE_PATTERN.test(written)) return written;
  const code = connectionCode(written);
  problems.warn(
    'config.suspicious_value',
    given.at,
    `code holds characters other than letters, digits, . _ - or is longer than 64; keys of assets will begin with ${code}.`,
    'Keep it when assets exist under this code already; else choose one of letters, digits, . _ and -.',
  );
  return code;
};
