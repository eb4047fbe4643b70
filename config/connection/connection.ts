import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { ConnectionSetting } from '#protocol/status.ts';
import type { Filter } from '../filter/filter.ts';
import type { LineageMapping } from '../lineage-mapping/lineage-mapping.ts';
import type { Policy, ZonedHours } from '../policy/policy.ts';
import type { ProxyChoice } from '../proxy.ts';
import type { Secret } from '../secret.ts';
import type { ReadablePaths } from './readable-paths.ts';

/** Tokens that the agent signs itself, each good for a short time. */
export interface SignedTokenLogin {
  readonly type: 'signed-jwt';
  /** RSA private key as PEM (PKCS8). */
  readonly key: Secret;
  /** User, directory and whatever else the virtual proxy maps; times are added when a token is signed. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lifetimeMs: number;
}

/** Tickets of the proxy service, which gives them to the holder of a client certificate. */
export interface TicketLogin {
  readonly type: 'ticket';
  readonly certificate: string;
  readonly key: Secret;
  readonly authority: string | undefined;
  readonly userDirectory: string;
  readonly userId: string;
  /** `https://host[:port]` of the proxy service's own API. */
  readonly proxyServiceOrigin: string;
}

/** A Windows user: NTLM, or the login form where that is not to be had. */
export interface WindowsLogin {
  readonly type: 'windows';
  /**
   * The domain as it was written, empty for `user@domain`; `server`: the machine itself, for `.\\user`; undefined: the
   * domain that the server belongs to.
   */
  readonly domain: string | { readonly of: 'server' } | undefined;
  readonly user: string;
  readonly password: Secret;
  /** `auto`: NTLM, and the form when the site does not offer it. */
  readonly method: 'auto' | 'ntlm' | 'forms';
}

/** How a connection proves who it is. Types that come with a later release refuse the file (`config.not_supported_yet`). */
export type Authentication =
  | { readonly type: 'header'; readonly header: string; readonly value: Secret }
  | { readonly type: 'jwt'; readonly token: Secret }
  | SignedTokenLogin
  | TicketLogin
  | WindowsLogin
  | {
      readonly type: 'certificate';
      /** PEM texts, read from wherever the file said. */
      readonly certificate: string;
      readonly key: Secret;
      readonly authority: string | undefined;
      readonly userDirectory: string;
      readonly userId: string;
    };

/** One connection file, validated: defaults filled in, side files read, nothing left to interpret. */
export interface Connection {
  /** Name of the file in the connections folder. */
  readonly file: string;
  /** HMAC-SHA-256 (hex), with a key of this agent, of the file and of every side file and secret that it names. */
  readonly contentHash: string;
  /** Where secrets may stand outside the file: `file token.txt`, `secret qlik-prod`. Absent: not known. */
  readonly outside?: readonly string[];
  readonly code: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly environment: string | undefined;
  readonly description: string | undefined;
  readonly accessNotes: string | undefined;
  /** `https://host[:port]` (`http://` for a site without TLS), without prefix or trailing slash; with certificates the port is 4242 unless given. */
  readonly origin: string;
  /** Virtual proxy prefix without slashes; empty for none. */
  readonly prefix: string;
  /** True: the file names only the engine, and the origin follows from that; it may be wrong. */
  readonly repositoryAssumed?: true;
  /** `wss://host[:port][/prefix]` (`ws://` for a site without TLS), without trailing slash. */
  readonly engineUrl: string;
  /** Base of links for people, without trailing slash. */
  readonly displayUrl: string;
  /** Name for SNI, Host and Origin when the URL holds an address. */
  readonly aliasHost: string | undefined;
  readonly authentication: Authentication;
  /** True: nobody but the agent logs in as this user, so that ending all sessions of the user at a stop harms no one. */
  readonly dedicatedUser: boolean;
  readonly tls: {
    /** PEM certificates to trust besides the default roots. */
    readonly extraAuthorities: readonly string[];
    /** True: the default roots are not trusted. */
    readonly replaceDefaultRoots: boolean;
    /** True: the authorities of the operating system are trusted, too. */
    readonly systemAuthorities: boolean;
    readonly verifyHostName: boolean;
    readonly bypassCertificateValidation: boolean;
  };
  /** The proxy on the way to the site; undefined for none. */
  readonly proxy: ProxyChoice | undefined;
  /** What may be asked of this connection, besides what the agent's own policy says; absent: anything. */
  readonly policy?: Policy | undefined;
  /** Which streams, apps and sheets are crawled; absent: all. */
  readonly filter?: Filter;
  /** What the file gives of what the catalog may give, too: there the file wins. */
  readonly settings?: readonly ConnectionSetting[];
  /** Folders of the site that the agent can read; absent: none. */
  readonly paths?: ReadablePaths | undefined;
  /** What the administrator says of the lineage of the site's apps; absent: nothing. */
  readonly lineageMapping?: LineageMapping | undefined;
  readonly crawl: {
    /** Engine sessions at a time, 1 to 4. */
    readonly engineSessions: number;
    readonly appTimeoutMs: number;
    /** A larger app, by its file or by the answers about it, is read in part only; absent: only answers are bounded. */
    readonly appMaxBytes?: number | undefined;
    /** When nothing may be asked of the site; absent: never. */
    readonly quietHours?: ZonedHours | undefined;
    /** Everything is read again after this time, whether it changed or not; absent: 7 days. */
    readonly fullEveryMs?: number | undefined;
    /** What becomes of assets that are gone from the site; absent: what the catalog says. */
    readonly deletion?: DeletionPolicy | undefined;
    /** Which id names a sheet in its key: the engine's (as in URLs) or the repository's. */
    readonly sheetId: 'engine' | 'repository';
  };
}
