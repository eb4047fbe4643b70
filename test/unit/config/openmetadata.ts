import { type Issued, issue } from './certificates.ts';

const DAY_MS = 86_400_000;

/** A pair that is good today, with two-character line ends as OpenMetadata's documentation asks for. */
export const pair = (): Issued =>
  issue('canary-client', new Date(Date.now() - DAY_MS), new Date(Date.now() + 400 * DAY_MS));

export const escaped = (pem: string): string => pem.trimEnd().replaceAll('\n', '\\n');

/** An ingestion file whose lines of the connection are those given. */
export const ingestion = (connection: readonly string[], run: readonly string[] = []): string =>
  [
    'source:',
    '  type: qliksense',
    '  serviceName: local_qliksense',
    '  serviceConnection:',
    '    config:',
    '      type: QlikSense',
    ...connection.map((line) => `      ${line}`),
    '  sourceConfig:',
    '    config:',
    '      type: DashboardMetadata',
    ...run.map((line) => `      ${line}`),
    'sink:',
    '  type: metadata-rest',
    '  config: {}',
    'workflowConfig:',
    '  loggerLevel: INFO',
    '  openMetadataServerConfig:',
    '    hostPort: http://localhost:8585/api',
    '    authProvider: openmetadata',
    '    securityConfig:',
    '      jwtToken: canary-jwt',
    '',
  ].join('\n');

export const byPath: readonly string[] = [
  'certificates:',
  '  clientCertificate: client.pem',
  '  clientKeyCertificate: client_key.pem',
  '  rootCertificate: root.pem',
];
export const user: readonly string[] = ['userDirectory: INTERNAL', 'userId: sa_api'];
