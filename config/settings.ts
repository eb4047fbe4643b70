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
import type { ProxyChoice } from './proxy.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** `agent.conf`, validated; every path is absolute. */
export interface Settings {
  /** Absolute path of the file itself. */
  readonly file: string;
  /** Name of the agent in the catalog; undefined for the name of the machine. */
  readonly name: string | undefined;
  /** `wss://host[:port]`, or `ws://` to this machine, without trailing slash; undefined for an agent without a catalog. */
  readonly gatewayUrl: string | undefined;
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
  /** The proxy on the way to the catalog; undefined for none. */
  readonly proxy: ProxyChoice | undefined;
  readonly log: { readonly level: LogLevel; readonly file: string | undefined };
  readonly watch: { readonly polling: boolean; readonly intervalMs: number };
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
}

/** Reads `agent.conf` (HOCON). Paths in it are relative to the file. Never throws for a bad or missing file. */
export const loadSettings = (
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  read: FileReader = readFromDisk,
): LoadedSettings => {
  const file = resolve(path);
  const folder = dirname(file);
  const content = read(file);
  if (content.type !== 'file') {
    const problems = new Problems(path);
    problems.error('config.unreadable', undefined, `The settings cannot be read: ${content.reason}.`);
    return { settings: undefined, problems: problems.list(), files: [file], contentHash: '', digests: new Map() };
  }
  const files = new SideFiles(folder, read);
  const found = (settings: Settings | undefined): LoadedSettings => ({
    settings: problems.failed ? undefined : settings,
    problems: problems.list(),
    files: [file, ...files.paths()],
    contentHash: files.hash(content.bytes),
    digests: tree === undefined ? new Map() : digestsOf(tree),
  });
  const { tree, problems, placeOf, emptyAt } = readDocument(content.bytes, path, { folder, env, read: files.read });
  if (tree === undefined) return found(undefined);
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
    connectionsFolder: resolve(folder, optional('connections') ?? 'connections'),
    stateFolder: resolve(folder, optional('state') ?? 'state'),
    tls: { ...readTrust(values, files, problems), bypassCertificateValidation: bypass },
    proxy,
    log: {
      level: LEVELS.find((level) => level === optional('log.level')) ?? 'info',
      file: logFile === undefined ? undefined : resolve(folder, logFile),
    },
    watch: { polling: values.flag('watch.polling'), intervalMs: values.durationMs('watch.interval') },
  };
  return found(settings);
};

const readGateway = (values: Values, problems: Problems): string | undefined => {
  const given = values.text('gateway.url');
  if (given === undefined) return undefined;
  try {
    return readGatewayUrl(given.value.trim()).href.replace(/\/+$/, '');
  } catch (error) {
    const { code, message, advice } = asFault(error);
    problems.error(code, given.at, message, advice);
    return undefined;
  }
};
