import { isDeepStrictEqual } from 'node:util';
import type { Bridge } from '#agent/bridge/bridge.ts';
import { changedKeys, changedOutside, listed } from '#config/connection/digests.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { describeWay } from '#config/proxy.ts';
import { type LoadedSettings, type LogLevel, loadSettings, type Settings } from '#config/settings.ts';
import { SettingsWatch, type UsableSettings } from '#config/settings-watch.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';

interface SettingsReloadOptions {
  readonly loaded: UsableSettings;
  readonly bridge: Pick<Bridge, 'reroute' | 'statusChanged'>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  /** `log.level` changed. */
  readonly onLevel: (level: LogLevel) => void;
  /** What `secret_manager` says, or a file that it names, changed. */
  readonly onSecrets?: (settings: Settings) => void;
  /** The policy as it stands now, whether it changed or not. */
  readonly onPolicy?: (policy: Settings['policy']) => void;
  readonly load?: () => Promise<LoadedSettings>;
  /** How often to look at the files. */
  readonly intervalMs?: number;
}

/** Keys that only the start reads: what hangs on them is built once. */
const AT_START = /^(?:name|gateway\.url|connections|state|log\.(?:file|max_bytes|files)|health\.port|watch\..*)$/;

/** The way to the catalog with its passwords, which print alike whatever they hold; for comparing, and nothing else. */
const wayOf = ({ transport, tls, proxy }: Settings): unknown => [
  transport,
  tls,
  proxy,
  ...(proxy === undefined ? [] : proxy.type === 'fixed' ? [proxy.proxy] : [proxy.secure, proxy.plain]).map((server) =>
    server?.password?.reveal(),
  ),
];

/** Follows `agent.conf` while the agent runs, and keeps to the last version of it that can be used. */
export class SettingsReload {
  readonly #options: SettingsReloadOptions;
  readonly #watch: SettingsWatch;
  #faults: readonly ErrorInfo[] = [];
  #problems: readonly Problem[];

  constructor(options: SettingsReloadOptions) {
    this.#options = options;
    this.#problems = options.loaded.problems;
    this.#watch = new SettingsWatch({
      loaded: options.loaded,
      load: options.load ?? (() => Promise.resolve(loadSettings(options.loaded.settings.file))),
      ...(options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs }),
      onChange: (now, previous) => this.#apply(now, previous),
      onProblems: (problems) => this.#report(problems),
    });
  }

  /** What is wrong with the file as it stands; for the agent's status. */
  get faults(): readonly ErrorInfo[] {
    return this.#faults;
  }

  /** The settings in force, and what is wrong or odd in the file as it stands. */
  get now(): { readonly settings: Settings; readonly problems: readonly Problem[] } {
    return { settings: this.#watch.settings, problems: this.#problems };
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  #apply({ settings, digests, outsideDigests }: UsableSettings, previous: UsableSettings): void {
    const { bridge, log } = this.#options;
    const keys = changedKeys(previous.digests, digests);
    const files = changedOutside(previous.outsideDigests, outsideDigests);
    const what = keys.length + files.length === 0 ? 'only comments changed' : listed([...files, ...keys]);
    const name = (key: string): string => key.slice(0, key.lastIndexOf(' '));
    log.info({}, `reloaded ${settings.file}: ${what}`);
    this.#options.onLevel(settings.log.level);
    const late = keys.map(name).filter((key) => AT_START.test(key));
    if (late.length > 0)
      log.warn(
        { advice: 'Restart the agent to make it so.' },
        `${listed(late)} in ${settings.file} counts from the next start only`,
      );
    // A secret in a file of its own shows in neither.
    if (files.length > 0 || keys.some((key) => /^(?:secret_manager|secrets)\./.test(key)))
      this.#options.onSecrets?.(settings);
    this.#options.onPolicy?.(settings.policy);
    bridge.statusChanged();
    if (isDeepStrictEqual(wayOf(settings), wayOf(previous.settings))) return;
    bridge.reroute({ transport: settings.transport, tls: settings.tls, proxy: settings.proxy });
    const { gatewayUrl } = this.#options.loaded.settings;
    if (gatewayUrl !== undefined)
      log.info({ way: describeWay(settings.proxy, gatewayUrl) }, 'the catalog is dialled anew');
  }

  #report(problems: readonly Problem[]): void {
    const { bridge, log } = this.#options;
    this.#problems = problems;
    const errors = problems.filter(({ severity }) => severity === 'error');
    const told = (problem: Problem): string => `${problemPlace(problem)}: ${problem.message}`;
    for (const problem of problems) log.warn({ code: problem.code, advice: problem.advice }, told(problem));
    if (errors.length > 0) log.warn({}, 'the settings that were in force stay in force');
    this.#faults = errors.map((problem) => ({
      code: problem.code,
      message: told(problem),
      // Nothing changes before somebody mends the file.
      retryable: false,
      advice: problem.advice,
    }));
    bridge.statusChanged();
  }
}
