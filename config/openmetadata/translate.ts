import { createHash } from 'node:crypto';
import { CODE_PATTERN } from '#protocol/keys.ts';
import { checkKeys } from '../connection/known-keys.ts';
import type { Problems } from '../connection/problem.ts';
import type { Environment } from '../proxy-environment.ts';
import { descend, type ObjectTree, type Place, type Tree } from '../tree.ts';
import { type Certificates, readCertificateOptions } from './certificates.ts';
import { readFilterPatterns } from './filter-patterns.ts';
import { readHostPort } from './host-port.ts';
import { CONNECTION_AT, OPENMETADATA_KEYS, RUN_AT } from './keys.ts';
import { type Option, Options } from './options.ts';
import type { Setting } from './setting.ts';

export interface Translation {
  readonly settings: readonly Setting[];
  /** The settings as the tree of a connection file; places are those of the options. */
  readonly tree: ObjectTree;
  /** True: the file names only the engine, and where the repository is follows from that. */
  readonly repositoryAssumed: boolean;
}

/** What a key of a connection file is called here, for messages. */
export const OPTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['connection.auth.certificate.key_path', 'clientKeyCertificate'],
  ['connection.auth.certificate.ca_path', 'rootCertificate'],
  ['connection.auth.certificate.path', 'clientCertificate'],
  ['connection.auth.user_directory', 'userDirectory'],
  ['connection.auth.user_id', 'userId'],
  ['connection.auth.value', 'userDirectory or userId'],
  ['connection.display_url', 'displayUrl'],
  ['connection.engine_url', 'hostPort'],
  ['connection.url', 'hostPort'],
  ['tls.truststore.path', 'rootCertificate'],
  ['tls.verify_host_name', 'validateHostName'],
]);

const SECRET_MANAGER = ['secret_manager.enabled', 'secret_manager.key'];

/**
 * Turns an ingestion file of OpenMetadata for Qlik Sense into the keys of a connection file. Undefined when it cannot be
 * used; everything wrong, and everything that has no effect, is reported.
 */
export const fromOpenMetadata = (
  tree: Tree,
  problems: Problems,
  env: Environment,
  placeOf: (path: string) => Place | undefined,
): Translation | undefined => {
  checkKeys(tree, OPENMETADATA_KEYS, problems, placeOf);
  const at = descend(tree, CONNECTION_AT.split('.'))?.at ?? descend(tree, ['source'])?.at;
  const options = new Options(tree, env, problems);
  const service = options.textAt('source.serviceName');
  if (service === undefined && !options.failed)
    problems.error(
      'config.missing_key',
      descend(tree, ['source'])?.at,
      'source.serviceName is missing: it becomes name and code of the connection.',
      'Add serviceName: qlik-prod, for instance.',
    );
  const user = readUser(options, problems, at);
  const certificates = readCertificateOptions(options, problems, at);
  const route = readRoute(options, certificates, problems, at);
  const verify = options.flag('validateHostName');
  const display = options.text('displayUrl');
  if (options.failed || service === undefined || user === undefined) return undefined;
  if (certificates === undefined || route === undefined) return undefined;
  if (verify?.value !== true)
    problems.warn(
      'config.suspicious_value',
      verify?.at ?? at,
      `validateHostName is ${verify === undefined ? 'absent, which means ' : ''}false: a certificate of any other host is accepted, if the same authority issued it.`,
      'Write validateHostName: true, when hostPort has the name that stands in the certificate of the server.',
    );
  const plain = (path: string, from: string, text: string, where: Place): Setting => ({
    path,
    text,
    written: text,
    at: where,
    from,
  });
  const carried = (path: string, from: string, option: Option, of = (text: string): string => text): Setting => ({
    path,
    text: of(option.text),
    written: of(option.written),
    at: option.at,
    from,
    ...(option.origin === undefined ? {} : { origin: option.origin }),
  });
  const filters = readFilterPatterns(tree, problems);
  const drafts = options.flagAt(`${RUN_AT}.includeDraftDashboard`) ?? options.flag('includeDraftDashboard');
  if (options.failed || filters === undefined) return undefined;
  const settings: Setting[] = [
    carried('name', 'serviceName', service, (text) => text.trim()),
    plain('code', 'serviceName', codeOf(service, problems), service.at),
    plain('connector_id', 'source.type', 'qlik-sense', service.at),
    ...SECRET_MANAGER.flatMap((path) => {
      const option = options.textAt(path);
      return option === undefined ? [] : [carried(path, path, option)];
    }),
    ...route.settings,
    ...(display === undefined ? [] : [carried('connection.display_url', 'displayUrl', display)]),
    plain('connection.auth.type', 'hostPort', route.direct ? 'certificate' : 'header', service.at),
    ...(route.direct ? certified(certificates, user, carried) : viaHeader(certificates, user, carried)),
    plain('tls.verify_host_name', 'validateHostName', String(verify?.value ?? false), verify?.at ?? service.at),
    ...filters,
    ...(drafts === undefined
      ? []
      : [plain('crawl.unpublished_apps', 'includeDraftDashboard', String(drafts.value), drafts.at)]),
  ];
  return { settings, tree: treeOf(settings, service.at), repositoryAssumed: route.direct };
};

type Carried = (path: string, from: string, option: Option, of?: (text: string) => string) => Setting;

interface User {
  readonly directory: Option;
  readonly id: Option;
}

const certified = ({ client, key, root }: Certificates, user: User, carried: Carried): readonly Setting[] => [
  carried('connection.auth.certificate.path', 'certificates', client),
  carried('connection.auth.certificate.key_path', 'certificates', key),
  ...(root === undefined ? [] : [carried('connection.auth.certificate.ca_path', 'certificates', root)]),
  carried('connection.auth.user_directory', 'userDirectory', user.directory),
  carried('connection.auth.user_id', 'userId', user.id),
];

/** Through a virtual proxy a certificate says nothing; the header that goes with it is what such a proxy looks at. */
const viaHeader = ({ root }: Certificates, { directory, id }: User, carried: Carried): readonly Setting[] => {
  const header = (a: string, b: string): string => `UserDirectory=${a.trim()}; UserId=${b.trim()}`;
  const origin = id.origin ?? directory.origin;
  const both: Option = {
    text: header(directory.text, id.text),
    written: header(directory.written, id.written),
    at: id.at,
    ...(origin === undefined ? {} : { origin }),
  };
  const name: Option = { text: 'X-Qlik-User', written: 'X-Qlik-User', at: id.at };
  return [
    carried('connection.auth.key', 'userId', name),
    carried('connection.auth.value', 'userDirectory and userId', both),
    // A path stays a path; a text must stand on one line there.
    ...(root === undefined
      ? []
      : [carried('tls.truststore.path', 'certificates', root, (text) => text.trim().replaceAll(/\r?\n/g, '\\n'))]),
  ];
};

const readUser = (options: Options, problems: Problems, at: Place | undefined): User | undefined => {
  const directory = options.text('userDirectory');
  const id = options.text('userId');
  if (directory !== undefined && id !== undefined) return { directory, id };
  if (options.failed) return undefined;
  const split = /^[^\\]+\\[^\\]+$/.test(id?.text.trim() ?? '');
  problems.error(
    'config.missing_key',
    (directory ?? id)?.at ?? at,
    directory === undefined && id === undefined
      ? 'userDirectory and userId are missing: whom the certificate speaks for.'
      : `${directory === undefined ? 'userDirectory' : 'userId'} is missing: a user has both, a directory and an id.`,
    split
      ? 'Write what stands before the backslash as userDirectory, and what follows it as userId.'
      : 'Add userDirectory: INTERNAL and userId: sa_api, the service account that every site has; or a user of your own directory, as the QMC lists it under Users.',
  );
  return undefined;
};

const readRoute = (
  options: Options,
  certificates: Certificates | undefined,
  problems: Problems,
  at: Place | undefined,
): { readonly settings: readonly Setting[]; readonly direct: boolean } | undefined => {
  const given = options.text('hostPort');
  if (given === undefined) {
    if (!options.failed)
      problems.error(
        'config.missing_key',
        at,
        'hostPort is missing: where the site is.',
        'Add hostPort: wss://qlik.example.com:4747.',
      );
    return undefined;
  }
  const route = readHostPort(given.text);
  const setting = (path: string, text: string): Setting => ({
    path,
    text,
    written: text,
    at: given.at,
    from: 'hostPort',
  });
  switch (route.way) {
    case 'none':
      problems.error('config.invalid', given.at, route.message, route.advice);
      return undefined;
    case 'direct':
      problems.warn(
        'config.suspicious_value',
        given.at,
        `hostPort names the engine only; most is read from the repository, which is taken to be at ${route.repositoryUrl}.`,
        'Let the agent reach port 4242 of that host, too. If the repository is elsewhere: culvert import, then change connection.url.',
      );
      if (route.prefixIgnored)
        problems.warn(
          'config.suspicious_value',
          given.at,
          'hostPort has a path behind port 4747, which has no effect: the engine itself knows no virtual proxies.',
          'Delete the path; or delete the port, to go through the virtual proxy.',
        );
      return {
        settings: [setting('connection.url', route.repositoryUrl), setting('connection.engine_url', route.engineUrl)],
        direct: true,
      };
    case 'virtual proxy':
      problems.warn(
        'config.suspicious_value',
        certificates?.client.at ?? given.at,
        'hostPort leads through a virtual proxy, where a client certificate logs nobody in; what counts there is the header X-Qlik-User, which is sent as OpenMetadata sends it.',
        'The virtual proxy must have header authentication with X-Qlik-User as its header name. To log in by certificate write hostPort: wss://server:4747.',
      );
      return {
        settings: [setting('connection.url', route.url)],
        direct: false,
      };
    default:
      return route satisfies never;
  }
};

/** The name of the service as a code: what a code may not hold becomes a hyphen; of a name of no such letters its hash is left. */
const codeOf = (service: Option, problems: Problems): string => {
  const name = service.text.trim();
  if (CODE_PATTERN.test(name)) return name;
  const simple = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^-+|(?<!-)-+$/g, '')
    .slice(0, 64);
  const code = simple === '' ? `qlik-${createHash('sha256').update(name).digest('hex').slice(0, 8)}` : simple;
  problems.warn(
    'config.suspicious_value',
    service.at,
    `The code of the connection is ${code}, made from serviceName: a code has letters, digits, . _ and - only. Keys of assets begin with it.`,
    'Keep serviceName as it is once something was crawled: another one is another connection.',
  );
  return code;
};

const treeOf = (settings: readonly Setting[], at: Place): ObjectTree => {
  const root = new Map<string, Tree>();
  for (const { path, text, at: where, origin, items } of settings) {
    const parts = path.split('.');
    let into = root;
    for (const part of parts.slice(0, -1)) {
      const there = into.get(part);
      const entries = new Map<string, Tree>(there?.type === 'object' ? there.entries : []);
      into.set(part, { type: 'object', entries, at: there?.at ?? where });
      into = entries;
    }
    const scalar = (value: string, place: Place): Tree => ({
      type: 'scalar',
      value,
      text: value,
      at: place,
      ...(origin === undefined ? {} : { origin }),
    });
    into.set(
      parts.at(-1) ?? '',
      items === undefined
        ? scalar(text, where)
        : { type: 'list', items: items.map((item) => scalar(item.text, item.at)), at: where },
    );
  }
  return { type: 'object', entries: root, at };
};
