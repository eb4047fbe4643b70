/** A whole site in this process: starts its servers, wires its parts, and stops them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Access } from './access.ts';
import { controlServer } from './control.ts';
import { engineServer, repositoryServer } from './direct.ts';
import type { EngineContext } from './engine/context.ts';
import { SessionRegistry } from './engine/registry.ts';
import { Faults } from './faults.ts';
import { hostileEvents, hostileFaults } from './hostility.ts';
import { qlikUserHeader } from './identity.ts';
import { type LowerBound, lowerBound, SERVICE_TIMES } from './model/cost.ts';
import { generateSite } from './model/generate.ts';
import { FULL_SCALE, type HostileApp, hostileSite, SMALL_SCALE } from './model/hostile.ts';
import { type AppLineageTruth, lineageTruth } from './model/lineage-truth.ts';
import { mutableSite } from './model/mutate.ts';
import { type SiteTruth, truth } from './model/truth.ts';
import type { Site, UserName } from './model/types.ts';
import { applyMutation, type Mutation } from './mutations.ts';
import type { SimulatorOptions } from './options.ts';
import { NO_SERVICE_TIMES, Pacing } from './pacing.ts';
import { openPki, PFX_PASSPHRASE, type Pki } from './pki.ts';
import { profileOf } from './profiles.ts';
import {
  headerAuthenticator,
  jwtAuthenticator,
  loginAuthenticator,
  ticketAuthenticator,
} from './proxy/authenticator.ts';
import { identityProviderAuthenticator } from './proxy/identity-provider.ts';
import { missingForNtlm, NtlmAcceptor } from './proxy/ntlm-acceptor.ts';
import { SenseProxy } from './proxy/proxy.ts';
import { proxyServiceServer } from './proxy/service-api.ts';
import { ProxySessions } from './proxy/sessions.ts';
import { Tickets } from './proxy/tickets.ts';
import { cookieNameOf, type VirtualProxy } from './proxy/virtual-proxy.ts';
import { type WindowsLogin, windowsAuthenticator } from './proxy/windows.ts';
import { Recorder } from './record.ts';
import { repositoryOf } from './repository.ts';
import { Services } from './services.ts';
import { signToken } from './tokens.ts';

/** Where everything is, as the command prints it. */
export interface Addresses {
  readonly seed: number;
  readonly profile: string;
  readonly host: string;
  /** `https://127.0.0.1:…`, without prefix: the default virtual proxy, with a login page. */
  readonly proxyUrl: string;
  readonly proxyHttpUrl: string | null;
  readonly qrsUrl: string;
  readonly qrsPort: number;
  readonly engineUrl: string;
  readonly enginePort: number;
  readonly header: {
    readonly url: string;
    readonly prefix: string;
    readonly headerName: string;
    readonly headerValue: string;
  };
  readonly jwt: { readonly url: string; readonly prefix: string; readonly tokenPath: string };
  /** `serviceUrl`: the proxy service's own API, where the holder of the client certificate gets tickets. */
  readonly ticket: { readonly url: string; readonly prefix: string; readonly serviceUrl: string };
  /** Null where the packages for it are missing. */
  readonly windows: {
    readonly url: string;
    readonly prefix: string;
    readonly username: string;
    readonly password: string;
  } | null;
  readonly certificates: {
    readonly folder: string;
    readonly clientPath: string;
    readonly clientKeyPath: string;
    readonly rootPath: string;
    readonly pfxPath: string;
    readonly pfxPassphrase: string;
    /** The value of `X-Qlik-User` for the user that header and token speak for. */
    readonly qlikUser: string;
  };
  readonly user: UserName;
  readonly controlUrl: string;
}

export interface Simulator extends AsyncDisposable {
  readonly addresses: Addresses;
  readonly site: Site;
  readonly record: Recorder;
  readonly faults: Faults;
  readonly sessions: ProxySessions;
  readonly virtualProxies: readonly VirtualProxy[];
  readonly pki: Pki;
  /** Logins by Windows authentication and by its form, as they were tried. */
  readonly windowsLogins: readonly WindowsLogin[];
  /** The apps of a hostile site that mean harm; none on others. */
  readonly hostile: readonly HostileApp[];
  /** What a perfect crawl by the ready-made user finds now. */
  truth(): SiteTruth;
  /** Where every field comes from; `host` is what the crawl's address calls the site. */
  lineageTruth(host: string): readonly AppLineageTruth[];
  /** The time below which no crawl with so many engine sessions can come, with the service times on. */
  lowerBound(sessions: number): LowerBound;
  /** @throws RangeError for an app that does not exist */
  mutate(mutation: Mutation): void;
  /** A token for any user that the virtual proxy `jwt` takes; `claims` add to or replace the usual ones. */
  token(user?: UserName, claims?: Readonly<Record<string, unknown>>): string;
}

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** Stops listening and cuts what is connected: upgraded sockets too, which a server no longer counts as its own. */
const closer = (server: HttpServer): (() => Promise<void>) => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      if (!server.listening) {
        resolve();
        return;
      }
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
};

const stopListening = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

const DAY_MS = 86_400_000;
const CRAWL_HEADER = 'X-Sim-User';
const WINDOWS_PASSWORD = 'canary-pässword';

/** Starts a site. Rejects when a port is taken or the folder cannot be written. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const seed = options.site?.seed ?? options.seed ?? 1;
  const profile = profileOf(options.profile, options.switches);
  const host = options.host ?? '127.0.0.1';
  const own = host === '0.0.0.0' ? [] : [host];
  const names = [...new Set(['localhost', '127.0.0.1', hostname(), ...(options.hostNames ?? []), ...own])];
  const folder = options.folder ?? join(tmpdir(), `qlik-simulator-${userInfo().username}`);
  const pki = openPki(folder, names);
  const plain = options.site ?? generateSite({ seed, apps: options.apps ?? 20, profile: profile.name });
  const scale = options.hostile === 'full' ? FULL_SCALE : SMALL_SCALE;
  const evil = options.hostile === undefined ? undefined : hostileSite(plain, scale);
  const site = mutableSite(evil ?? plain);
  const user = options.user ?? site.crawlUser;
  const record = new Recorder();
  const faults = new Faults(seed, { ...(evil === undefined ? {} : hostileFaults(evil)), ...options.faults });
  const pacing = new Pacing(options.serviceTime ? SERVICE_TIMES : NO_SERVICE_TIMES);
  const inactivityMs = options.sessionInactivityMs ?? 30 * 60_000;
  const context: EngineContext = {
    site,
    profile,
    access: new Access(site, faults),
    faults,
    record,
    pacing,
    registry: new SessionRegistry(options.engineLingerMs ?? { proxy: inactivityMs, direct: 0 }),
    connections: new Set(),
    textListsEmpty: options.dimensionTextLists !== 'whole',
    shareSessionsWithoutApp: options.shareSessionsWithoutApp ?? false,
    proxyGreets: options.proxyGreets ?? 'first-frame',
    startedAt: new Date(),
  };

  const headerName = options.headerName ?? CRAWL_HEADER;
  const directory = options.headerDirectory === undefined ? 'dynamic' : { static: options.headerDirectory };
  const complete = (part: Partial<VirtualProxy> & Pick<VirtualProxy, 'prefix' | 'authenticator'>): VirtualProxy => ({
    description: part.prefix === '' ? 'Central Proxy (Default)' : part.prefix,
    cookieName: cookieNameOf(part.prefix),
    allowedHosts: names,
    linked: true,
    inactivityMs,
    ...part,
  });
  const unlinked = (options.unlinkedPrefixes ?? []).map((prefix) =>
    complete({ prefix, authenticator: loginAuthenticator(), linked: false }),
  );
  const providers = (options.identityProviders ?? []).map((method) =>
    complete({ prefix: method, authenticator: identityProviderAuthenticator(method) }),
  );
  const further = [...unlinked, ...providers, ...(options.virtualProxies ?? []).map(complete)];
  const tickets = new Tickets(() => pacing.now());
  // Windows' web server takes HTTP/1.0 too, and clients may offer just that.
  const ALPNProtocols = ['http/1.1', 'http/1.0'];
  const tls = { ...pki.server(options.certificate ?? 'valid'), ca: pki.rootPem, ALPNProtocols };
  const windowsLogins: WindowsLogin[] = [];
  const accounts = [
    { directory: user.directory, id: user.id, password: WINDOWS_PASSWORD },
    ...(options.windows?.accounts ?? []),
  ];
  const acceptor = missingForNtlm() === null ? new NtlmAcceptor(accounts) : null;
  const state = () => faults.settings.windowsAccounts;
  const windowsParts = { prefix: 'windows', tickets, accounts, certificatePem: tls.cert, logins: windowsLogins, state };
  const virtualProxies = [
    complete({ prefix: '', authenticator: loginAuthenticator() }),
    complete({
      prefix: 'header',
      authenticator: headerAuthenticator({ header: headerName, directory }, () => faults.settings.headerMissing),
    }),
    complete({
      prefix: 'jwt',
      authenticator: jwtAuthenticator(
        { certificatePem: pki.jwtCertificatePem, userClaim: 'userId', directoryClaim: 'userDirectory' },
        {
          now: () => Date.now() + faults.settings.clockSkewMs,
          refusal: () => faults.settings.tokenRefusal,
        },
      ),
    }),
    complete({ prefix: 'ticket', authenticator: ticketAuthenticator() }),
    ...(acceptor === null
      ? []
      : [
          complete({
            prefix: 'windows',
            authenticator: windowsAuthenticator(options.windows ?? {}, { ...windowsParts, acceptor }),
          }),
        ]),
  ].filter(({ prefix }) => further.every((other) => other.prefix !== prefix));
  virtualProxies.push(...further);

  const repository = repositoryOf(context, virtualProxies, options.headerDirectory === undefined);
  const services = new Services(context, repository.handle);
  const sessions = new ProxySessions(
    { perUser: options.sessionsPerUser ?? 5, lingerMs: options.sessionLingerMs ?? 0 },
    record,
    () => pacing.now(),
    Math.max(10, Math.min(1_000, inactivityMs / 4)),
  );
  const proxy = new SenseProxy(context, { virtualProxies, sessions, services, tickets });
  const httpsProxy = createHttpsServer(tls, proxy.onRequest).on('upgrade', proxy.onUpgrade);
  const plainProxy = createHttpServer(proxy.onRequest).on('upgrade', proxy.onUpgrade);
  const qrs = repositoryServer(context, services, tls);
  const engine = engineServer(context, services, tls);
  const proxyService = proxyServiceServer(context, virtualProxies, tickets, tls);

  const token = (who: UserName = user, claims: Readonly<Record<string, unknown>> = {}): string => {
    const now = Math.floor(Date.now() / 1000);
    const exp = now + Math.floor((options.tokenLifetimeMs ?? DAY_MS) / 1000);
    return signToken(pki.jwtKeyPem, {
      userId: who.id,
      userDirectory: who.directory,
      iat: now,
      nbf: now - 60,
      exp,
      ...claims,
    });
  };
  const mutate = (mutation: Mutation): void => {
    applyMutation(site, mutation, new Date());
    if (mutation.action === 'delete') repository.deleted(mutation.appId, new Date());
    if (!('appId' in mutation)) return;
    const { appId } = mutation;
    for (const connection of [...context.connections]) {
      if (connection.session.document?.appId !== appId) continue;
      if (mutation.action !== 'delete') connection.announce([1], []);
      else {
        connection.announce([], connection.session.closeDocument());
        connection.end(1011, 'The app was deleted');
      }
    }
  };
  if (evil !== undefined) hostileEvents(evil, record, mutate);
  const simulator = {
    record,
    faults,
    hostile: evil?.hostile ?? [],
    truth: () => truth(site, { user }),
    lineageTruth: (host: string) => lineageTruth(site, host, user),
    lowerBound: (count: number) => lowerBound(site, { sessions: count, user }),
    mutate,
    apps: () => site.apps.map(({ id, name }) => ({ id, name })),
  };
  const control = controlServer(simulator);

  const ports = options.ports ?? {};
  const httpPort = ports.proxyHttp ?? null;
  const servers: HttpServer[] = [httpsProxy, plainProxy, qrs, engine, proxyService, control];
  // Windows' web server keeps idle connections for two minutes.
  for (const server of servers) server.keepAliveTimeout = 120_000;
  const closers = servers.map(closer);
  const dispose = async (): Promise<void> => {
    pacing.close();
    sessions.close();
    acceptor?.close();
    context.registry.close();
    for (const connection of context.connections) connection.end(1001, 'The site stops');
    // The close frames leave in this turn; nobody waits for the clients' answers.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    await Promise.all(closers.map((closeOne) => closeOne()));
  };
  const at = async (server: HttpServer, port: number | undefined, on = host): Promise<number> =>
    await listen(server, port ?? 0, on);
  try {
    const proxyPort = await at(httpsProxy, ports.proxy);
    const plainPort = httpPort === null ? null : await at(plainProxy, httpPort);
    const qrsPort = await at(qrs, ports.qrs);
    const enginePort = await at(engine, ports.engine);
    const servicePort = await at(proxyService, ports.proxyService);
    const controlPort = await at(control, ports.control, '127.0.0.1');
    // Last of all, so that no other server is given the port.
    if (faults.isDown('repository')) await stopListening(qrs);
    if (faults.isDown('engine')) await stopListening(engine);
    const shown = host === '0.0.0.0' ? '127.0.0.1' : host;
    const proxyUrl = `https://${shown}:${proxyPort}`;
    mkdirSync(join(folder, 'tokens'), { recursive: true, mode: 0o700 });
    const tokenPath = join(folder, 'tokens', `${proxyPort}.jwt`);
    writeFileSync(tokenPath, token(), { mode: 0o600 });
    const addresses: Addresses = {
      seed,
      profile: profile.name,
      host: shown,
      proxyUrl,
      proxyHttpUrl: plainPort === null ? null : `http://${shown}:${plainPort}`,
      qrsUrl: `https://${shown}:${qrsPort}`,
      qrsPort,
      engineUrl: `wss://${shown}:${enginePort}`,
      enginePort,
      header: {
        url: `${proxyUrl}/header`,
        prefix: 'header',
        headerName,
        headerValue: options.headerDirectory === undefined ? `${user.directory}\\${user.id}` : user.id,
      },
      jwt: { url: `${proxyUrl}/jwt`, prefix: 'jwt', tokenPath },
      ticket: { url: `${proxyUrl}/ticket`, prefix: 'ticket', serviceUrl: `https://${shown}:${servicePort}` },
      windows:
        acceptor === null
          ? null
          : {
              url: `${proxyUrl}/windows`,
              prefix: 'windows',
              username: `${user.directory}\\${user.id}`,
              password: WINDOWS_PASSWORD,
            },
      certificates: {
        folder,
        clientPath: join(folder, 'client.pem'),
        clientKeyPath: join(folder, 'client_key.pem'),
        rootPath: join(folder, 'root.pem'),
        pfxPath: pki.pfxPath,
        pfxPassphrase: PFX_PASSPHRASE,
        qlikUser: qlikUserHeader(user),
      },
      user,
      controlUrl: `http://127.0.0.1:${controlPort}`,
    };
    return {
      ...simulator,
      addresses,
      site,
      sessions,
      virtualProxies,
      pki,
      windowsLogins,
      token,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
