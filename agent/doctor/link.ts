import { type LinkProbe, type LinkStep, probeLink } from '#agent/bridge/preflight.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { describeWay, needsPassword } from '#config/proxy.ts';
import type { Settings } from '#config/settings.ts';
import type { CheckRecord, LinkCheckId } from '#protocol/checks.ts';
import type { Problem } from '#protocol/status.ts';

export interface LinkDiagnosis {
  readonly records: readonly CheckRecord[];
  /** Undefined when there is no catalog to reach. */
  readonly probe: LinkProbe | undefined;
  /** Host and port of the catalog. */
  readonly place: string;
}

export interface LinkOptions {
  readonly settings: Settings;
  /** What is wrong or odd in the file. */
  readonly problems: readonly Problem[];
  readonly dialer: Dialer;
  readonly onStart?: ((check: Pick<CheckRecord, 'check' | 'target'>) => void) | undefined;
  readonly onCheck: (record: CheckRecord) => void | Promise<void>;
  readonly signal: AbortSignal;
  /** The most that one check may take. */
  readonly mostMs?: number | undefined;
  /** May also shake hands without the proxy: only for a person at this machine. */
  readonly pastProxy?: boolean;
}

const record = (check: LinkCheckId, seen: string, rest: Partial<CheckRecord> = {}): CheckRecord => ({
  t: 'check',
  target: 'link',
  check,
  status: 'pass',
  seen,
  details: [],
  durationMs: 0,
  ...rest,
});

const ofStep = ({ name, status, seen, fault, details, durationMs }: LinkStep): CheckRecord =>
  record(name, seen, {
    status,
    details: [...details],
    durationMs,
    ...(fault === undefined ? {} : { code: fault.code, advice: fault.advice }),
  });

const ofFile = ({ settings, problems }: LinkOptions): CheckRecord => {
  const { gatewayUrl, file } = settings;
  const [first] = problems.filter(({ severity }) => severity === 'error').concat(problems);
  const details = problems.map((one) => `${problemPlace(one)}: ${one.severity}: ${one.message}`);
  const remark = first === undefined ? {} : { code: first.code, advice: first.advice, details };
  if (gatewayUrl === undefined)
    return record('file', `${file} names no catalog: gateway.url is missing.`, {
      status: 'fail',
      code: 'config.missing_key',
      advice: 'Add gateway.url = "wss://catalog.example.com"; without a catalog use culvert crawl.',
    });
  if (first?.severity === 'error')
    return record('file', `${problemPlace(first)}: ${first.message} The older settings are in force.`, {
      status: 'fail',
      ...remark,
    });
  const way = describeWay(settings.proxy, gatewayUrl);
  return record('file', `${file}: ${gatewayUrl}, ${way}.`, remark);
};

const ofSecrets = ({ settings: { proxy } }: LinkOptions): CheckRecord => {
  return needsPassword(proxy)
    ? record('secrets', 'All there: the password of the proxy.')
    : record('secrets', 'The way to the catalog needs none.', { status: 'skip' });
};

/**
 * Looks at the agent's own way to the catalog. It never logs in there, since that would end the session of an agent that
 * runs.
 *
 * @throws the reason of the signal
 */
export const diagnoseLink = async (options: LinkOptions): Promise<LinkDiagnosis> => {
  const { settings, dialer, onStart, onCheck, signal, mostMs } = options;
  const records: CheckRecord[] = [];
  const tell = async (one: CheckRecord): Promise<void> => {
    signal.throwIfAborted();
    records.push(one);
    await onCheck(one);
  };
  await tell(ofFile(options));
  await tell(ofSecrets(options));
  const { gatewayUrl } = settings;
  if (gatewayUrl === undefined) return { records, probe: undefined, place: '' };
  // Steps are told in their order, one after the other, also when whoever listens is slow.
  let told = Promise.resolve();
  onStart?.({ check: 'dns', target: 'link' });
  const probe = await probeLink({
    dialer,
    gatewayUrl,
    tls: settings.tls,
    proxy: settings.proxy,
    transport: settings.transport,
    stateFolder: settings.stateFolder,
    signal,
    onStep: (step) => {
      told = told.then(() => tell(ofStep(step)));
      // Waited for below.
      told.catch(() => undefined);
    },
    ...(mostMs === undefined ? {} : { timeoutMs: mostMs }),
    pastProxy: options.pastProxy === true,
  });
  await told;
  return { records, probe, place: new URL(gatewayUrl).host };
};
