/** What a simulator can be asked to be. Everything has a default; `startSimulator({})` is a small site of today. */
import type { FaultSettings } from './faults.ts';
import type { Site, UserName } from './model/types.ts';
import type { ServerCertificate } from './pki.ts';
import type { Profile, ProfileName } from './profiles.ts';
import type { IdentityProvider } from './proxy/identity-provider.ts';
import type { VirtualProxy } from './proxy/virtual-proxy.ts';
import type { WindowsSettings } from './proxy/windows.ts';

interface Ports {
  readonly proxy: number;
  /** Plain http, for sites whose proxy listens there too; null: not at all. */
  readonly proxyHttp: number | null;
  readonly qrs: number;
  readonly engine: number;
  readonly control: number;
  /** The proxy service's own API, where tickets come from. */
  readonly proxyService: number;
}

export interface SimulatorOptions {
  readonly seed?: number;
  readonly apps?: number;
  /**
   * Adds one app of every evil, denies every second of the others, and lets happen what may: `full` with a script of 50 MB,
   * 200,000 fields and a sheet of 5,000 objects, `small` with less of each.
   */
  readonly hostile?: 'full' | 'small' | undefined;
  /** A site of one's own instead of a generated one. */
  readonly site?: Site;
  readonly profile?: ProfileName;
  /** Switches of the profile that shall stand otherwise. */
  readonly switches?: Partial<Omit<Profile, 'name'>>;
  /** Where keys, certificates and tokens are kept; default: one folder for all simulators of this user on this machine. */
  readonly folder?: string;
  /** The address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /**
   * Names that the certificate has, by which the proxy may be called and which an `Origin` may have, beside localhost,
   * 127.0.0.1 and the name of this machine.
   */
  readonly hostNames?: readonly string[];
  /** Zero: any free port. */
  readonly ports?: Partial<Ports>;
  readonly certificate?: ServerCertificate;
  /** The service-time model of a real site; off: as fast as it can. */
  readonly serviceTime?: boolean;
  readonly faults?: Partial<FaultSettings>;
  /** Whom the ready-made token and header speak for; default: the site's crawl user. */
  readonly user?: UserName;
  /** The header of the virtual proxy `header`. */
  readonly headerName?: string;
  /** The user directory of everyone on `header`; default: dynamic, the value is `directory\user`. */
  readonly headerDirectory?: string;
  /** How the virtual proxy `windows` behaves; it is there when the machine has the packages that it needs. */
  readonly windows?: WindowsSettings;
  /** Virtual proxies `saml` and `oidc`, which send everybody to an identity provider. */
  readonly identityProviders?: readonly IdentityProvider[];
  readonly tokenLifetimeMs?: number;
  /** Further virtual proxies, or others in the place of `header` and `jwt`. */
  readonly virtualProxies?: readonly (Partial<VirtualProxy> & Pick<VirtualProxy, 'prefix' | 'authenticator'>)[];
  /** Virtual proxies that are not linked to the proxy service: they answer a large HTML 400. */
  readonly unlinkedPrefixes?: readonly string[];
  readonly sessionsPerUser?: number;
  readonly sessionInactivityMs?: number;
  /** How long a proxy session still counts after its user logged out. */
  readonly sessionLingerMs?: number;
  /** How long engine sessions without `/ttl/` outlive their last socket: through the proxy, and directly. */
  readonly engineLingerMs?: { readonly proxy: number; readonly direct: number };
  /**
   * When greetings come through the proxy: with the client's first frame, as the documentation has it (default), or at
   * once, as one client reports.
   */
  readonly proxyGreets?: 'first-frame' | 'at-once';
  /** Sockets to `/app/engineData` without an identity share one session a user; default false. Unknown on real sites. */
  readonly shareSessionsWithoutApp?: boolean;
  /** `/qDim/qFieldDefs` in list definitions comes out as an empty text (default), or as it is. */
  readonly dimensionTextLists?: 'empty' | 'whole';
}
