import type { Fault } from '#protocol/errors.ts';

/** It did what was asked. */
const OK = 0;
/** What was asked did not succeed: a check failed, files have errors, something wants attention. */
export const FAILED = 1;
/** Wrong usage, or nothing to work on. */
export const USAGE = 2;
/** `status`: no agent works in the state folder. */
export const NOT_RUNNING = 3;
/** `agent.conf`, or another file that was named, is missing or wrong. */
const CONFIG = 4;
/** This machine has no identity: `culvert enroll` comes first. */
const NOT_ENROLLED = 5;
/** Another agent works in the state folder. */
const ALREADY_RUNNING = 6;
/** The state folder cannot be read or written; a disk that recovers heals it. */
const STATE = 7;
/** The catalog refused for good what a command asked, such as a token that is used up. */
const REFUSED = 8;
/** The catalog, or a server, is out of reach for a command that ends; `run` never ends for that. */
const UNREACHABLE = 9;
/** The process was stuck and ended itself, to be started again. */
export const WATCHDOG = 10;
/** It was told to stop twice, and did not take the time to end in order. */
export const HURRIED = 11;
/** A defect of Culvert. */
const DEFECT = 70;

/** What each exit code means, for `--help` and the README; the codes themselves never change their meaning. */
export const EXIT_CODES: readonly { readonly code: number; readonly meaning: string; readonly restart: boolean }[] = [
  { code: OK, meaning: 'done; of `status`: the agent runs and is well', restart: true },
  { code: FAILED, meaning: 'not well: a check failed, a file has errors', restart: true },
  { code: USAGE, meaning: 'wrong usage, or nothing to work on', restart: false },
  { code: NOT_RUNNING, meaning: '`status`: no agent works in the state folder', restart: true },
  { code: CONFIG, meaning: 'agent.conf or a file that was named cannot be used', restart: false },
  { code: NOT_ENROLLED, meaning: 'this machine is not enrolled', restart: false },
  { code: ALREADY_RUNNING, meaning: 'another agent works in the state folder', restart: false },
  { code: STATE, meaning: 'the state folder cannot be read or written', restart: true },
  { code: REFUSED, meaning: 'the catalog refused for good', restart: false },
  { code: UNREACHABLE, meaning: 'a server is out of reach; try again', restart: true },
  { code: WATCHDOG, meaning: 'the agent was stuck and ended itself', restart: true },
  { code: HURRIED, meaning: 'told to stop a second time: ended at once', restart: true },
  { code: DEFECT, meaning: 'a defect of Culvert', restart: true },
];

/**
 * Exit codes after which starting `run` again changes nothing before a person has mended something: for
 * `RestartPreventExitStatus` of systemd and the like.
 */
export const FINAL_EXIT_CODES: readonly number[] = EXIT_CODES.filter(({ restart }) => !restart).map(({ code }) => code);

/** What `work` throws is wrong usage, whatever its code. */
export const asUsage = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    process.exitCode = USAGE;
    throw error;
  }
};

/** The exit code of a command that ended with this. */
export const exitCodeOf = ({ code, retryable }: Fault): number => {
  if (code === 'internal') return DEFECT;
  if (code === 'bridge.not_enrolled') return NOT_ENROLLED;
  if (code === 'bridge.already_running') return ALREADY_RUNNING;
  if (/^(?:config|secrets)\./.test(code) || code === 'bridge.foreign_state') return CONFIG;
  if (/^spool\./.test(code)) return STATE;
  if (/^bridge\./.test(code)) return retryable ? UNREACHABLE : REFUSED;
  return /^(?:network|proxy)\./.test(code) && retryable ? UNREACHABLE : FAILED;
};

/** The table as `culvert --help` shows it. */
export const exitCodesHelp = (): string =>
  ['Exit codes:', ...EXIT_CODES.map(({ code, meaning }) => `  ${String(code).padStart(2)}  ${meaning}`)].join('\n');
