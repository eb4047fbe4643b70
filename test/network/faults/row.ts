import type { CheckId } from '#protocol/checks.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import type { SimulatorOptions } from '#test/simulator/options.ts';
import type { Stage } from './stage.ts';

/** What a row cannot do without, beside this project. */
export type Need = 'ntlm' | 'proxies';

interface Base {
  /** One of a kind; what a person would say is wrong. */
  readonly name: string;
  /** How it is made, for who looks a code up: the thing in the world that is like it. */
  readonly made: string;
  /** The site that the connection is for; default: a healthy one. `none`: nothing is started. */
  readonly site?: SimulatorOptions | 'none';
  readonly need?: Need;
  /** Makes what is wrong, and gives the text of the connection file. */
  readonly connection: (stage: Stage) => string | Promise<string>;
  /** Name of the file; default `site.conf`. */
  readonly fileName?: string;
  /** Where something never answers: how long a check may take, and how long a step of the way is waited for. */
  readonly mostMs?: number;
  readonly waitMs?: number;
  /** Proxy sessions that a run may open; default 1. */
  readonly proxySessions?: number;
  /** Engine sessions that a run may open one after another; default 1. */
  readonly engineSessions?: number;
  /** Must stand in what is said. */
  readonly says?: readonly (string | RegExp)[];
}

/** A fault, and the one check that must fail for it. */
export interface FaultRow extends Base {
  readonly check: CheckId;
  readonly code: ErrorCode;
}

/** Everything passes. */
export interface HealthyRow extends Base {
  /** Remarks that a passing check makes all the same. */
  readonly notes?: readonly ErrorCode[];
}

export interface Group<Row> {
  readonly title: string;
  readonly rows: readonly Row[];
}
