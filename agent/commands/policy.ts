import type { JobPolicy } from '#agent/bridge/job-judge.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { type Asked, denials, denied, withoutLeave } from '#config/policy/judge.ts';
import type { Policy } from '#config/policy/policy.ts';
import type { PolicyFile } from '#config/policy/policy-file.ts';
import { type ErrorInfo, errorInfo, Fault } from '#protocol/errors.ts';
import { JOB_KINDS, type JobKind } from '#protocol/job-options.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { shortened } from '#protocol/printable.ts';
import type { AgentStatus, Refusal } from '#protocol/status.ts';

const HOUR_MS = 3_600_000;
/** What is told of a policy, so that it leaves room in the status for the connections. */
const MOST_DENIALS = 12;
const MOST_CHARACTERS = 300;

/** What the policies allow of load scripts. */
export interface ScriptRules {
  readonly read: boolean;
  readonly texts: boolean;
  readonly keep: boolean;
}

export interface PolicyOptions {
  /** The policy file as it stands at the start. */
  readonly file: PolicyFile;
  /** The policy of a connection's own file. */
  readonly ofConnection: (code: string) => Policy | undefined;
  readonly nowMs: () => number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Told at the start and whenever the file changes. */
  readonly onTaken?: (policy: AgentStatus['policy']) => void;
}

/**
 * What the catalog may ask of this agent: the policy file that `agent.conf` names and the connections' own rules, both of
 * which must allow it. A file that cannot be used leaves the last good one in force; where there never was one nothing is
 * allowed, but the link stays up and says so.
 */
export class PolicyInForce implements JobPolicy {
  readonly #options: PolicyOptions;
  #file: PolicyFile;
  /** `nothing`: no version of the file could be used yet. */
  #policy: Policy | 'nothing' | undefined;
  /** When jobs were begun, in the last hour. */
  #begun: number[] = [];

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#policy = policyOf(options.file, 'nothing');
    this.#tell();
  }

  /** The file changed, or `agent.conf` names another. */
  take(file: PolicyFile): void {
    if (JSON.stringify(file) === JSON.stringify(this.#file)) return;
    this.#file = file;
    this.#policy = policyOf(file, this.#policy ?? 'nothing');
    this.#tell();
  }

  judge({ kind, connection, options }: JobSpec, when: 'offered' | 'begun'): Fault | undefined {
    const { nowMs, ofConnection } = this.#options;
    const now = nowMs();
    if (this.#policy === 'nothing') return refused(this.#whyNothing());
    const own = this.#policy;
    const why = whyNot(
      own,
      ofConnection(connection),
      { kind, connection, options },
      when === 'offered' ? now : undefined,
    );
    if (why !== undefined) return refused(why);
    const rate = own?.jobsPerHour;
    if (rate === undefined || when === 'begun') return undefined;
    this.#begun = this.#begun.filter((at) => now - at < HOUR_MS);
    if (this.#begun.length < rate.value) return undefined;
    const first = this.#begun[this.#begun.length - rate.value];
    const again = first === undefined ? '' : ` The next may begin at ${new Date(first + HOUR_MS).toISOString()}.`;
    return refused(
      `${rate.at.file}, line ${rate.at.line}: jobs_per_hour allows ${rate.value} jobs in an hour.${again}`,
    );
  }

  /** What the catalog cannot ask of a connection at any hour; its page shows it before a person asks. */
  refusals(connection: string): readonly Refusal[] {
    const ofConnection = this.#options.ofConnection(connection);
    const refusals: Refusal[] = [];
    for (const { kind, option, options } of ASKABLE) {
      const why =
        this.#policy === 'nothing'
          ? this.#whyNothing()
          : whyNot(this.#policy, ofConnection, { kind, connection, options }, undefined);
      // What holds for the kind as a whole is said once.
      if (why !== undefined && !refusals.some((one) => one.kind === kind))
        refusals.push({ kind, ...(option === undefined ? {} : { option }), why: shortened(why, MOST_CHARACTERS) });
    }
    return refusals;
  }

  took(): void {
    this.#begun.push(this.#options.nowMs());
  }

  /** Whether load scripts of a connection may be read. */
  allowsScripts(connection: string): boolean {
    return this.scriptsOf(connection).read;
  }

  /** What may be done with the load scripts of a connection: read them, send their texts, keep them on this machine. */
  scriptsOf(connection: string): ScriptRules {
    const policies = this.#policy === 'nothing' ? undefined : [this.#policy, this.#options.ofConnection(connection)];
    const allow = (rule: 'scripts' | 'scriptTexts' | 'keepScripts'): boolean =>
      policies?.every((policy) => policy?.[rule]?.value !== false) === true;
    const read = allow('scripts');
    return { read, texts: read && allow('scriptTexts'), keep: read && allow('keepScripts') };
  }

  /** Why the catalog may not make the agent log more; undefined when it may. */
  logLevelForbidden(): string | undefined {
    if (this.#policy === 'nothing') return this.#whyNothing();
    const rule = this.#policy?.remoteLogLevel;
    return rule?.value === false ? `${rule.at.file}, line ${rule.at.line}: remote_log_level is false.` : undefined;
  }

  /** What the catalog's page shows of it; absent without a policy. */
  get report(): Pick<AgentStatus, 'policy'> {
    const file = this.#file;
    if (file.type === 'none') return {};
    const told = this.#policy === 'nothing' ? ['Every job'] : this.#policy === undefined ? [] : denials(this.#policy);
    const denies = told.slice(0, MOST_DENIALS).map((text) => shortened(text, MOST_CHARACTERS));
    return { policy: { file: file.file, state: file.type === 'policy' ? 'in_force' : 'broken', denies } };
  }

  /** What is wrong with the file as it stands; for the agent's status. */
  get faults(): readonly ErrorInfo[] {
    const file = this.#file;
    if (file.type !== 'broken') return [];
    return [errorInfo('policy.broken', `${this.#whatIsBroken()} ${this.#whatHolds()}`)];
  }

  #whatIsBroken(): string {
    const [problem] = this.#file.type === 'broken' ? this.#file.problems : [];
    return problem === undefined
      ? 'The policy file of this agent cannot be used.'
      : `The policy file of this agent cannot be used: ${problemPlace(problem)}: ${problem.message}`;
  }

  #whatHolds(): string {
    return this.#policy === 'nothing' ? 'Until it is corrected no job is done.' : 'The last good one stays in force.';
  }

  #whyNothing(): string {
    return `${this.#whatIsBroken()} ${this.#whatHolds()}`;
  }

  #tell(): void {
    const { log, onTaken } = this.#options;
    const file = this.#file;
    onTaken?.(this.report.policy);
    if (file.type === 'broken') {
      for (const { code, message, advice, ...at } of file.problems)
        log.warn({ code, advice }, `${problemPlace(at)}: ${message}`);
      log.warn({}, `${file.file}: ${this.#whatHolds()}`);
    } else if (file.type === 'policy')
      log.info({ file: file.file, denies: this.report.policy?.denies }, 'the policy of this agent is in force');
  }
}

/** What a person can ask for: each kind as such first, then with the option that a policy may forbid by itself. */
const ASKABLE: readonly { kind: JobKind; option?: string; options: Readonly<Record<string, unknown>> }[] = [
  ...JOB_KINDS.map((kind) => ({ kind, options: {} })),
  { kind: 'crawl', option: 'full', options: { mode: 'full' } },
  { kind: 'preview', option: 'data', options: { data: true } },
];

const whyNot = (
  own: Policy | undefined,
  ofConnection: Policy | undefined,
  asked: Asked,
  atMs: number | undefined,
): string | undefined => {
  for (const policy of [own, ofConnection]) {
    const why = policy && denied(policy, asked, atMs);
    if (why !== undefined) return why;
  }
  return withoutLeave(own, ofConnection, asked);
};

/** What counts now: a file that cannot be used changes nothing. */
const policyOf = <T>(file: PolicyFile, before: T): Policy | T | undefined =>
  file.type === 'broken' ? before : file.type === 'policy' ? file.policy : undefined;

const refused = (why: string): Fault => new Fault('policy.denied', why);
