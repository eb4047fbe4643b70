import { PROXY_SCHEMES } from '../proxy.ts';
import type { KeySpec } from './key-spec.ts';

/**
 * The keys of `proxy`, in connection files and in `agent.conf`; `fromEnvironment` is the standard of that key, `below` the
 * key that the block stands below, with a dot at its end.
 */
export const proxyKeys = (fromEnvironment: boolean, below = ''): readonly KeySpec[] => {
  const used = (path: string, type: KeySpec['type'], description: string, more: Partial<KeySpec> = {}): KeySpec => ({
    path: `${below}proxy.${path}`,
    type,
    status: 'used',
    description,
    ...more,
  });
  return [
    used('scheme', 'string', 'How to speak to the proxy itself; with socks the proxy resolves the names.', {
      values: PROXY_SCHEMES,
      standard: 'http',
    }),
    used('hostname', 'string', 'Host of the proxy, without scheme and port.', { oneLine: true }),
    used('port', 'port', 'Port of the proxy.', { fromSecret: true }),
    used('username', 'string', 'User for the proxy.', { oneLine: true, fromSecret: true }),
    used('password', 'string', 'Password for the proxy.', { secret: true }),
    used(
      'from_environment',
      'boolean',
      'True takes the proxy from https_proxy and no_proxy when the file names none.',
      { standard: fromEnvironment },
    ),
    used(
      'tls.truststore.path',
      'string',
      'Authorities to trust for an https proxy itself, apart from the server behind it.',
      { oneLine: true },
    ),
    used('tls.truststore.type', 'string', 'PEM, PKCS12 or JKS; by default from the file itself.', {
      values: ['PEM', 'PKCS12', 'JKS'],
    }),
    used('tls.truststore.password', 'string', 'Password of a PKCS12 or JKS store.', { secret: true }),
  ];
};
