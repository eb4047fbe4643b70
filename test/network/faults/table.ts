import type { FaultRow, Group } from './row.ts';
import { apps } from './rows/apps.ts';
import { files } from './rows/files.ts';
import { healthy } from './rows/healthy.ts';
import { accounts, headers, ticketsAndCertificates, tokens, virtualProxies } from './rows/login.ts';
import { addresses, proxies, tls } from './rows/network.ts';
import { secrets } from './rows/secrets.ts';
import { repository, sockets } from './rows/site.ts';

/** Every fault of the table, in the order in which the packets travel. */
export const FAULTS: readonly Group<FaultRow>[] = [
  files,
  secrets,
  addresses,
  proxies,
  tls,
  virtualProxies,
  tokens,
  headers,
  accounts,
  ticketsAndCertificates,
  repository,
  sockets,
  apps,
];

export const HEALTHY = healthy;
