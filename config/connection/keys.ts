import { CONNECTION_POLICY_KEYS } from '../policy/keys.ts';
import { SECRET_MANAGER_KEYS } from '../secrets/manager-keys.ts';
import { FILTER_KEYS } from './filter-keys.ts';
import type { KeySpec, KeyType } from './key-spec.ts';
import { LOGIN_KEYS } from './login-keys.ts';
import { proxyKeys } from './proxy-keys.ts';

const used = (path: string, type: KeyType, description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path,
  type,
  status: 'used',
  description,
  ...more,
});
const tolerated = (path: string): KeySpec => ({
  path,
  type: 'any',
  status: 'tolerated',
  description: 'Known from files of other connectors; has no effect.',
});

/** Every key of a connection file. A key of type `any` stands for everything below it, too. */
export const CONNECTION_KEYS: readonly KeySpec[] = [
  used('name', 'string', 'Label of the connection.', { required: true }),
  used('code', 'string', 'Unique and lasting name; the first part of the key of every asset.', {
    oneLine: true,
    required: true,
  }),
  used('connector_id', 'string', 'Always qlik-sense.', { required: true, values: ['qlik-sense'] }),
  used('enabled', 'boolean', 'False stops crawls and keeps what was published.', { standard: true }),
  used('catalog_code', 'string', 'Always default: an agent has one catalog; other values have no effect and warn.', {
    standard: 'default',
  }),
  used('environment', 'string', 'Shown in the catalog, for instance production.'),
  used('description', 'string', 'Shown in the catalog.'),
  used('access_notes', 'string', 'Shown in the catalog: how a person gets access.'),
  used('connection.url', 'string', 'https://host[:port][/virtual proxy prefix]; http:// sends credentials in clear.', {
    oneLine: true,
    required: true,
  }),
  used('connection.engine_url', 'string', 'wss://host[:port][/prefix]; by default made from connection.url.', {
    oneLine: true,
  }),
  used('connection.display_url', 'string', 'Base of links for people; by default connection.url.', { oneLine: true }),
  used('connection.alias_host', 'string', 'Name for TLS and the Host header when the URL holds an address.', {
    oneLine: true,
  }),
  used('connection.auth.type', 'string', 'How the connection proves who it is.', {
    values: ['header', 'jwt', 'certificate', 'windows', 'ticket'],
  }),
  used('connection.auth.key', 'string', 'Name of the header that carries the user.', { fromSecret: true }),
  used(
    'connection.auth.value',
    'string',
    'The user, such as DOMAIN\\user; in double quotes the backslash is written twice.',
    { secret: true },
  ),
  used('connection.auth.token', 'string', 'A JSON web token.', { secret: true }),
  used('connection.auth.token_file', 'string', 'File that holds the JSON web token.', { oneLine: true }),
  used('connection.auth.user_directory', 'string', 'User directory that a certificate speaks for.', {
    fromSecret: true,
  }),
  used('connection.auth.user_id', 'string', 'User that a certificate speaks for.', { fromSecret: true }),
  used(
    'connection.auth.certificate.path',
    'string',
    'Client certificate: PEM file, PEM text, PFX (PKCS12) file with its key, or the exported folder.',
    { pem: true },
  ),
  used('connection.auth.certificate.key_path', 'string', 'Private key: PEM file or PEM text.', { pem: true }),
  used('connection.auth.certificate.ca_path', 'string', 'Root certificate of the site: PEM file or PEM text.'),
  used('connection.auth.certificate.password', 'string', 'Password of a PFX file or of an encrypted private key.', {
    secret: true,
  }),
  ...LOGIN_KEYS,
  used('tls.truststore.path', 'string', 'Certificates of authorities to trust besides the usual ones.', {
    oneLine: true,
  }),
  used('tls.truststore.password', 'string', 'Password of a PKCS12 or JKS store.', { secret: true }),
  used('tls.truststore.type', 'string', 'PEM, PKCS12 or JKS; by default from the file itself.', {
    values: ['PEM', 'PKCS12', 'JKS'],
  }),
  used('tls.truststore.replace_default_roots', 'boolean', 'True trusts the trust store alone, not the usual roots.', {
    standard: false,
  }),
  used('tls.system_authorities', 'boolean', "True trusts the operating system's authorities, too.", {
    standard: false,
  }),
  used('tls.bypass_certificate_validation', 'boolean', 'True accepts any certificate: for a test only.', {
    standard: false,
  }),
  used('tls.verify_host_name', 'boolean', 'False accepts a certificate of another host.', { standard: true }),
  ...proxyKeys(false),
  used('secret_manager.enabled', 'boolean', 'True takes values from the secret manager of agent.conf.', {
    standard: false,
  }),
  used('secret_manager.key', 'string', 'Name of the secret in the secret manager; by default that of agent.conf.', {
    oneLine: true,
  }),
  used('crawl.engine_sessions', 'integer', 'Engine sessions at a time.', { minimum: 1, maximum: 4, standard: 2 }),
  used('crawl.app_timeout', 'duration', 'How long one app may take.', {
    minimum: 1000,
    maximum: 86_400_000,
    standard: '10m',
  }),
  used(
    'crawl.app_max_size',
    'size',
    'Apps that are larger, as a file or by what is read of them, are read in part only.',
    {
      minimum: 1024,
    },
  ),
  used('crawl.quiet_hours', 'any', 'When not to crawl, such as ["Mon-Fri 07:00-19:00"]; a running crawl pauses.'),
  used('crawl.time_zone', 'string', 'Zone of the quiet hours, such as Europe/Vienna; they need it.', { oneLine: true }),
  used('crawl.full_every', 'duration', 'After this time everything is read again, whether it changed or not.', {
    minimum: 3_600_000,
    maximum: 31_536_000_000,
    standard: '7d',
  }),
  used(
    'crawl.deletion',
    'string',
    'What becomes of assets that are gone from the site; by default what the catalog says.',
    {
      values: ['delete', 'flag', 'keep'],
    },
  ),
  used('crawl.sheet_id', 'string', 'Which id names a sheet in its key.', {
    values: ['engine', 'repository'],
    standard: 'engine',
  }),
  used(
    'crawl.lineage_mapping',
    'string',
    'File with what no file of the site says of lineage: values of variables, places, edges, services of other catalogs.',
    { oneLine: true },
  ),
  ...FILTER_KEYS,
  used(
    'paths.qvds',
    'any',
    'Where QVD files can be read: a folder, or { from = "lib://QVD", to = folder }; or a list.',
  ),
  used('paths.qvs', 'any', 'Where scripts can be read that others include: a folder, a mapping, or a list of these.'),
  used('paths.logs', 'any', 'Where the logs of reloads can be read: a folder, a mapping, or a list of these.'),
  ...CONNECTION_POLICY_KEYS,
  tolerated('alias'),
  tolerated('inventory'),
  tolerated('inventory_on_reports_only'),
  tolerated('multi_catalog'),
  tolerated('contact'),
  tolerated('lineage'),
  tolerated('dsn'),
  tolerated('cache'),
  tolerated('connection.timeout'),
  tolerated('connection.max_retries'),
  tolerated('connection.multi_sites'),
  tolerated('time_between_scan'),
  tolerated('custom_properties'),
  tolerated('field_custom_properties'),
  tolerated('fields'),
  tolerated('prompt_answers'),
  { ...tolerated('json_key'), secret: true },
  tolerated('site'),
];

/** Keys of `agent.conf`. */
export const SETTINGS_KEYS: readonly KeySpec[] = [
  used('name', 'string', 'Name of this agent in the catalog; by default the name of the machine.'),
  used('gateway.url', 'string', 'wss://host of the catalog; ws:// only for this machine itself.', { oneLine: true }),
  used('gateway.transport', 'string', 'How the catalog is reached; auto takes polling where no WebSocket passes.', {
    values: ['auto', 'websocket', 'polling'],
    standard: 'auto',
  }),
  used('connections', 'string', 'Folder of the connection files.', { oneLine: true, standard: 'connections' }),
  used('state', 'string', 'Folder for the key, the spool and what else the agent keeps.', {
    oneLine: true,
    standard: 'state',
  }),
  used('policy', 'string', 'File with what the catalog may ask of this agent; the catalog cannot widen it.', {
    oneLine: true,
  }),
  used(
    'secrets.folders',
    'any',
    'The only folders that connections may name files in, besides their own; default: any.',
  ),
  used('tls.truststore.path', 'string', 'Authorities to trust for the catalog besides the usual ones.', {
    oneLine: true,
  }),
  used('tls.truststore.type', 'string', 'PEM, PKCS12 or JKS; by default from the file itself.', {
    values: ['PEM', 'PKCS12', 'JKS'],
  }),
  used('tls.truststore.password', 'string', 'Password of a PKCS12 or JKS store.', { secret: true }),
  used('tls.truststore.replace_default_roots', 'boolean', 'True trusts the trust store alone, not the usual roots.', {
    standard: false,
  }),
  used('tls.system_authorities', 'boolean', "True trusts the operating system's authorities, too.", {
    standard: false,
  }),
  used(
    'tls.bypass_certificate_validation',
    'boolean',
    'True accepts any certificate of the catalog: for a test only.',
    {
      standard: false,
    },
  ),
  used('log.level', 'string', 'How much is logged.', {
    values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    standard: 'info',
  }),
  used(
    'log.file',
    'string',
    'File to log to; by default logs/agent.log in the state folder, and the standard error, too.',
    { oneLine: true },
  ),
  used('log.max_bytes', 'integer', 'Size of a log file; then the next one begins.', {
    minimum: 65_536,
    maximum: 1_073_741_824,
    standard: 10_485_760,
  }),
  used('log.files', 'integer', 'How many log files are kept, the newest included.', {
    minimum: 1,
    maximum: 100,
    standard: 8,
  }),
  used(
    'health.port',
    'integer',
    'Port on loopback for /livez, /readyz, /metrics and /statusz; 0 for none; by default one from 18474 to 18483.',
    { minimum: 0, maximum: 65_535 },
  ),
  used('watch.polling', 'boolean', 'True looks at the connections folder by the clock: for network shares.', {
    standard: false,
  }),
  used('watch.interval', 'duration', 'How often to look when polling.', {
    minimum: 100,
    maximum: 3_600_000,
    standard: '2s',
  }),
  used('watch.lineage', 'duration', 'How often to look whether what lineage was made with changed.', {
    minimum: 1_000,
    maximum: 86_400_000,
    standard: '15m',
  }),
  ...proxyKeys(true),
  ...SECRET_MANAGER_KEYS,
];
