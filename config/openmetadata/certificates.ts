import type { Problems } from '../connection/problem.ts';
import type { Place } from '../tree.ts';
import type { Option, Options } from './options.ts';

/** The three spellings of `certificates`: by path, by value in the older schema, by value in the current one. */
const SPELLINGS = [
  { client: 'clientCertificate', key: 'clientKeyCertificate', root: 'rootCertificate' },
  { client: 'clientCertificateData', key: 'clientKeyCertificateData', root: 'rootCertificateData' },
  { client: 'sslConfig.sslCertificate', key: 'sslConfig.sslKey', root: 'sslConfig.caCertificate' },
] as const;

export interface Certificates {
  readonly client: Option;
  readonly key: Option;
  readonly root: Option | undefined;
}

/** Reads `certificates` in whichever spelling is there; undefined when something is missing, which is reported. */
export const readCertificateOptions = (
  options: Options,
  problems: Problems,
  at: Place | undefined,
): Certificates | undefined => {
  const read = SPELLINGS.map((names) => ({
    names,
    client: options.text(`certificates.${names.client}`),
    key: options.text(`certificates.${names.key}`),
    root: options.text(`certificates.${names.root}`),
  }));
  const [first, ...others] = read.filter(({ client, key, root }) =>
    [client, key, root].some((one) => one !== undefined),
  );
  if (first === undefined) {
    if (!options.failed)
      problems.error(
        'config.missing_key',
        options.at('certificates') ?? at,
        'certificates is missing: how the connection proves who it is.',
        'Add certificates with clientCertificate, clientKeyCertificate and rootCertificate: the paths of client.pem, client_key.pem and root.pem, exported from the QMC.',
      );
    return undefined;
  }
  for (const { names, client, key, root } of others)
    problems.warn(
      'config.suspicious_value',
      (client ?? key ?? root)?.at,
      `certificates stands there in two spellings; ${(client && names.client) ?? (key && names.key) ?? names.root} and its like have no effect beside ${first.names.client}.`,
      'Keep one of them.',
    );
  const { names, client, key, root } = first;
  for (const [name, value] of [
    [names.client, client],
    [names.key, key],
  ] as const)
    if (value === undefined && !options.failed)
      problems.error(
        'config.missing_key',
        options.at('certificates') ?? at,
        `certificates.${name} is missing.`,
        `Add ${name}: ${name === names.client ? 'client.pem' : 'client_key.pem'} of the export from the QMC.`,
      );
  return client === undefined || key === undefined ? undefined : { client, key, root };
};
