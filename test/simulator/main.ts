/**
 * A Qlik Sense site on this machine: `node test/simulator/main.ts --seed 1 --apps 50`. Prints one line of JSON with all
 * addresses once it is ready, and stays up until it gets SIGTERM or SIGINT, or standard input ends.
 */
import { setFlagsFromString } from 'node:v8';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type FaultSettings, faultSettings, NO_FAULTS, type Service } from './faults.ts';
import type { SimulatorOptions } from './options.ts';
import { SERVER_CERTIFICATES, type ServerCertificate } from './pki.ts';
import { isProfileName, PROFILE_NAMES, type ProfileName, profileOf } from './profiles.ts';
import type { IdentityProvider } from './proxy/identity-provider.ts';
import type { WindowsSettings } from './proxy/windows.ts';
import { startSimulator } from './simulator.ts';

// Nobody waits for a collection of this process, but others need the memory: the heap of a large site stays a third as big.
setFlagsFromString('--optimize-for-size');

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number is needed');
  return value;
};

const signedNumber = (text: string): number => (text.startsWith('-') ? -1 : 1) * wholeNumber(text.replace(/^-/, ''));

const jsonObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, for both cases.
  }
  throw new InvalidArgumentError('a JSON object is needed');
};

const faults = (text: string): Partial<FaultSettings> => {
  const settings = faultSettings(jsonObject(text));
  if (!settings) throw new InvalidArgumentError(`values of these: ${Object.keys(NO_FAULTS).join(', ')}`);
  return settings;
};

const switches = (text: string): Readonly<Record<string, unknown>> => {
  const given = jsonObject(text);
  const known = Object.keys(profileOf());
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`no switch ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  return given;
};

/** `may2025` and `May 2025` are the same as `may-2025`. */
const profileName = (text: string): ProfileName => {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const name = PROFILE_NAMES.find((candidate) => plain(candidate) === plain(text));
  if (name === undefined || !isProfileName(name)) throw new InvalidArgumentError(`one of: ${PROFILE_NAMES.join(', ')}`);
  return name;
};

interface Flags {
  readonly seed: number;
  readonly hostile?: 'full' | 'small';
  readonly apps: number;
  readonly profile: ProfileName;
  readonly switches: Readonly<Record<string, unknown>>;
  readonly host: string;
  readonly hostName: readonly string[];
  readonly port: number;
  readonly httpPort?: number;
  readonly qrsPort: number;
  readonly enginePort: number;
  readonly controlPort: number;
  readonly proxyServicePort: number;
  readonly folder?: string;
  readonly certificate: ServerCertificate;
  readonly proxyGreets: 'first-frame' | 'at-once';
  readonly serviceTime: boolean;
  readonly faults: Partial<FaultSettings>;
  readonly latency: number;
  readonly coldStart: number;
  readonly headerName?: string;
  readonly headerDirectory?: string;
  readonly unlinked: readonly string[];
  readonly user?: string;
  readonly windowsOffers: NonNullable<WindowsSettings['offers']>;
  readonly windowsPattern: string;
  readonly windowsForms: boolean;
  readonly windowsBinding: boolean;
  readonly windowsAccounts: FaultSettings['windowsAccounts'];
  readonly identityProvider: readonly IdentityProvider[];
  readonly allowHost: readonly string[];
  readonly down: readonly Service[];
  readonly clockSkew: number;
  readonly sessions: number;
  readonly sessionInactivity: number;
}

const program = new Command('simulator')
  .description('A Qlik Sense site on this machine, made from a seed.')
  .option('--seed <number>', 'what the site is made from', wholeNumber, 1)
  .option('--apps <number>', 'how many apps', wholeNumber, 50)
  .option('--profile <release>', `release: ${PROFILE_NAMES.join(', ')}`, profileName, 'may-2025')
  .option('--switches <json>', 'switches of the release set otherwise, e.g. {"fullCap":100}', switches, {})
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--host-name <name...>', 'more names for the certificate and the Host allow list', [])
  .option('--port <number>', 'proxy over TLS; 0: any', wholeNumber, 0)
  .option('--http-port <number>', 'proxy over plain http too; 0: any', wholeNumber)
  .option('--qrs-port <number>', 'repository; 0: any', wholeNumber, 0)
  .option('--engine-port <number>', 'engine; 0: any', wholeNumber, 0)
  .option('--control-port <number>', 'control endpoint, loopback only; 0: any', wholeNumber, 0)
  .option('--proxy-service-port <number>', 'API of the proxy service, for tickets; 0: any', wholeNumber, 0)
  .option('--folder <path>', 'where keys, certificates and tokens are kept')
  .addOption(new Option('--certificate <kind>', 'what the servers show').choices(SERVER_CERTIFICATES).default('valid'))
  .addOption(
    new Option('--proxy-greets <when>', 'when greetings come through the proxy')
      .choices(['first-frame', 'at-once'])
      .default('first-frame'),
  )
  .addOption(
    new Option('--hostile <scale>', 'one app of every evil, every second other app denied').choices(['full', 'small']),
  )
  .option('--service-time', 'take as long as a real site', false)
  .option('--faults <json>', 'what goes wrong from the start, as POST /faults takes it', faults, {})
  .option('--latency <ms>', 'added to every answer', wholeNumber, 0)
  .option('--cold-start <ms>', 'added to the first answer after a pause', wholeNumber, 0)
  .option('--header-name <name>', 'header of the virtual proxy "header"')
  .option('--header-directory <name>', 'static user directory of "header"; default: dynamic, directory\\user')
  .option('--unlinked <prefix...>', 'virtual proxies that are not linked to the proxy service', [])
  .addOption(
    new Option('--windows-offers <schemes>', 'what the 401 of "windows" offers; kerberos: Negotiate without NTLM in it')
      .choices(['both', 'ntlm', 'negotiate', 'kerberos'])
      .default('both'),
  )
  .option('--windows-pattern <text>', 'Windows authentication pattern, looked for in the User-Agent', 'Windows')
  .option('--no-windows-forms', 'no form for other clients: everybody gets the 401')
  .option('--windows-binding', 'extended protection: logins must be bound to their TLS connection', false)
  .addOption(
    new Option('--windows-accounts <state>', 'of every account, whatever its password')
      .choices(['good', 'disabled', 'locked', 'password-expired'])
      .default('good'),
  )
  .addOption(
    new Option('--identity-provider <kind...>', 'virtual proxies that send everybody to an identity provider')
      .choices(['saml', 'oidc'])
      .default([]),
  )
  .option('--allow-host <name...>', 'Host allow list of all virtual proxies, instead of the names of this machine', [])
  .addOption(
    new Option('--down <service...>', 'services that are away while the proxy is up')
      .choices(['repository', 'engine'])
      .default([]),
  )
  .option('--clock-skew <ms>', "how far the site's clock is ahead; with a minus, behind", signedNumber, 0)
  .option('--user <directory\\user>', 'whom the ready-made token and header speak for')
  .option('--sessions <number>', 'parallel sessions a user may have', wholeNumber, 5)
  .option('--session-inactivity <ms>', 'after which a proxy session ends', wholeNumber, 1_800_000)
  .parse();
const flags = program.opts<Flags>();

const options = (): SimulatorOptions => {
  const [directory, ...rest] = (flags.user ?? '').split('\\');
  const id = rest.join('\\');
  if (flags.user !== undefined && (!directory || id === '')) program.error('--user needs directory\\user');
  return {
    seed: flags.seed,
    apps: flags.apps,
    profile: flags.profile,
    switches: flags.switches,
    host: flags.host,
    hostNames: flags.hostName,
    ports: {
      proxy: flags.port,
      proxyHttp: flags.httpPort ?? null,
      qrs: flags.qrsPort,
      engine: flags.enginePort,
      control: flags.controlPort,
      proxyService: flags.proxyServicePort,
    },
    certificate: flags.certificate,
    proxyGreets: flags.proxyGreets,
    serviceTime: flags.serviceTime,
    hostile: flags.hostile,
    faults: {
      ...flags.faults,
      ...(flags.latency > 0 ? { latencyMs: flags.latency } : {}),
      ...(flags.windowsAccounts === 'good' ? {} : { windowsAccounts: flags.windowsAccounts }),
      ...(flags.allowHost.length > 0 ? { allowedHosts: flags.allowHost, allowedOrigins: flags.allowHost } : {}),
      ...(flags.down.length > 0 ? { servicesDown: flags.down } : {}),
      ...(flags.clockSkew !== 0 ? { clockSkewMs: flags.clockSkew } : {}),
      ...(flags.coldStart > 0 ? { coldStartMs: flags.coldStart } : {}),
    },
    windows: {
      offers: flags.windowsOffers,
      pattern: flags.windowsPattern,
      forms: flags.windowsForms,
      demandsBinding: flags.windowsBinding,
    },
    identityProviders: flags.identityProvider,
    unlinkedPrefixes: flags.unlinked,
    sessionsPerUser: flags.sessions,
    sessionInactivityMs: flags.sessionInactivity,
    ...(flags.folder === undefined ? {} : { folder: flags.folder }),
    ...(flags.headerName === undefined ? {} : { headerName: flags.headerName }),
    ...(flags.headerDirectory === undefined ? {} : { headerDirectory: flags.headerDirectory }),
    ...(flags.user === undefined ? {} : { user: { directory: directory ?? '', id } }),
  };
};

const simulator = await startSimulator(options());
let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await simulator[Symbol.asyncDispose]();
  process.exit(0);
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
process.stdin.once('end', () => void stop());
process.stdin.once('error', () => void stop());
process.stdin.resume();
process.stdout.write(`${JSON.stringify({ ready: true, ...simulator.addresses })}\n`);
