import type { KeySpec, KeyType } from '../connection/key-spec.ts';

/** Where the options of the connection stand in an ingestion file, and those of the run. */
export const CONNECTION_AT = 'source.serviceConnection.config';
export const RUN_AT = 'source.sourceConfig.config';

const used = (path: string, type: KeyType, description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path,
  type,
  status: 'used',
  description,
  ...more,
});

/** An option without effect: what is said of it, unless its value is one for which Culvert does the same anyway. */
const idle = (path: string, message: string, advice: string, same: readonly string[] = []): KeySpec => ({
  path,
  type: 'any',
  status: 'tolerated',
  description: message,
  remark: { message, advice, same },
});

const MAY_GO = 'Nothing needs to be done.';
/** Patterns for what Culvert has no such level of. */
const dataModels = (at: string): KeySpec =>
  idle(
    `${at}.dataModelFilterPattern`,
    'dataModelFilterPattern has no effect: tables and fields belong to their app.',
    'To leave an app out, name it in dashboardFilterPattern.',
  );

/** Patterns of OpenMetadata, and what Culvert calls what they are for. */
export const FILTER_PATTERNS = [
  ['projectFilterPattern', 'streams'],
  ['dashboardFilterPattern', 'apps'],
  ['chartFilterPattern', 'sheets'],
] as const;

const filters = (at: string): readonly KeySpec[] => [
  ...FILTER_PATTERNS.map(([name, what]) =>
    used(`${at}.${name}`, 'any', `includes and excludes: regular expressions for the names of ${what}.`),
  ),
  dataModels(at),
  used(`${at}.includeDraftDashboard`, 'boolean', 'False leaves out apps that are not published.', { standard: true }),
];

const deletion = (name: string): KeySpec =>
  idle(
    `${RUN_AT}.${name}`,
    `${name}: false has no effect: what a complete crawl no longer finds, the catalog marks or removes.`,
    MAY_GO,
    ['true'],
  );

const always = (name: string, what: string): KeySpec =>
  idle(`${RUN_AT}.${name}`, `${name}: false has no effect: ${what}.`, MAY_GO, ['true']);

const unneeded = (name: string, why: string): KeySpec =>
  idle(`${RUN_AT}.${name}`, `${name} has no effect: ${why}.`, MAY_GO, ['false']);

const LINEAGE = 'has no effect: tables are named by host and database, not by services of OpenMetadata.';

const certificate = (name: string, description: string, secret = false): KeySpec =>
  used(`${CONNECTION_AT}.certificates.${name}`, 'string', description, secret ? { secret: true } : {});

/**
 * Every option of an OpenMetadata ingestion file for Qlik Sense: of the older schema, of the current one, and those that
 * moved from the connection to the run. Filters stood in either place.
 */
export const OPENMETADATA_KEYS: readonly KeySpec[] = [
  // Culvert's own, for ${secret_manager.name} in the values.
  used('secret_manager.enabled', 'boolean', 'True takes values from the secret manager of agent.conf.'),
  used('secret_manager.key', 'string', 'Name of the secret in the secret manager.'),
  used('source.type', 'string', 'qliksense'),
  used('source.serviceName', 'string', 'Name of the service; here name and code of the connection.'),
  used(`${CONNECTION_AT}.type`, 'string', 'QlikSense'),
  used(`${CONNECTION_AT}.hostPort`, 'string', 'wss://server:4747, or wss://server/virtual proxy.', { oneLine: true }),
  used(`${CONNECTION_AT}.displayUrl`, 'string', 'Base of links for people.', { oneLine: true }),
  used(`${CONNECTION_AT}.userDirectory`, 'string', 'User directory that the certificate speaks for.'),
  used(`${CONNECTION_AT}.userId`, 'string', 'User that the certificate speaks for.'),
  used(`${CONNECTION_AT}.validateHostName`, 'boolean', 'False accepts a certificate of another host.', {
    standard: false,
  }),
  certificate('clientCertificate', 'Path of the client certificate.'),
  certificate('clientKeyCertificate', 'Path of its private key.', true),
  certificate('rootCertificate', 'Path of the root certificate of the site.'),
  certificate('clientCertificateData', 'The client certificate itself.', true),
  certificate('clientKeyCertificateData', 'Its private key itself.', true),
  certificate('rootCertificateData', 'The root certificate itself.', true),
  certificate('sslConfig.sslCertificate', 'The client certificate itself.', true),
  certificate('sslConfig.sslKey', 'Its private key itself.', true),
  certificate('sslConfig.caCertificate', 'The root certificate itself.', true),
  idle(
    `${CONNECTION_AT}.certificates.stagingDir`,
    'stagingDir has no effect: certificates are not copied to a staging folder.',
    MAY_GO,
  ),
  idle(
    `${CONNECTION_AT}.supportsMetadataExtraction`,
    'supportsMetadataExtraction: false has no effect: metadata is what Culvert reads.',
    'To switch the connection off, move the file out of the folder.',
    ['true'],
  ),
  ...filters(CONNECTION_AT),
  used(`${RUN_AT}.type`, 'string', 'DashboardMetadata'),
  ...filters(RUN_AT),
  idle(`${RUN_AT}.lineageInformation`, `lineageInformation (dbServicePrefixes) ${LINEAGE}`, MAY_GO),
  idle(`${RUN_AT}.dbServiceNames`, `dbServiceNames ${LINEAGE}`, MAY_GO),
  idle(`${RUN_AT}.dbServicePrefixes`, `dbServicePrefixes ${LINEAGE}`, MAY_GO),
  always('includeOwners', 'owners are always read'),
  always('includeTags', 'tags are always read'),
  always('includeDataModels', 'tables and fields are always read, where the user may'),
  deletion('markDeletedDashboards'),
  deletion('markDeletedDataModels'),
  deletion('markDeletedCharts'),
  unneeded('overrideMetadata', 'each crawl brings what the site says, and nothing of it is edited in the catalog'),
  unneeded('overrideLineage', 'each crawl brings the lineage anew'),
  unneeded('includeUsage', 'how often something is used is not read'),
  idle('sink', 'sink has no effect: what is found goes to the catalog that the agent enrolled with.', MAY_GO),
  idle(
    'workflowConfig',
    'workflowConfig has no effect: the catalog and the log level stand in agent.conf.',
    'Delete the block, and with it the token of the OpenMetadata server: it is not needed here.',
  ),
  idle('processor', 'processor has no effect on Qlik Sense.', 'The block may be deleted.'),
  idle('ingestionPipelineFQN', 'ingestionPipelineFQN has no effect: the catalog plans the crawls.', MAY_GO),
  idle('enableStreamableLogs', 'enableStreamableLogs has no effect: the agent logs as agent.conf says.', MAY_GO, [
    'false',
  ]),
];
