import { join } from 'node:path';
import type { Addresses } from '#test/simulator/simulator.ts';
import { type Program, startProgram } from './program.ts';

const script = join(import.meta.dirname, '..', 'simulator', 'main.ts');
/** What was compiled once is read from the disk the next time: many tests start many sites. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/simulator') };

export interface SiteOptions {
  /** Where the site keeps its certificates and tokens. */
  readonly folder: string;
  readonly seed: number;
  readonly apps: number;
  readonly profile?: string;
  /** Further arguments of the simulator, such as faults. */
  readonly further?: readonly string[];
  /** A large site takes its time. */
  readonly readyWithinMs?: number;
}

/** A simulated Qlik Sense site in a process of its own. */
export class SimulatedSite implements AsyncDisposable {
  readonly program: Program;
  readonly addresses: Addresses;

  private constructor(program: Program) {
    this.program = program;
    this.addresses = program.ready as unknown as Addresses;
  }

  static async start({
    folder,
    seed,
    apps,
    profile,
    further = [],
    readyWithinMs,
  }: SiteOptions): Promise<SimulatedSite> {
    const args = ['--seed', String(seed), '--apps', String(apps), '--folder', folder];
    if (profile !== undefined) args.push('--profile', profile);
    return new SimulatedSite(
      await startProgram(
        'the Qlik site',
        script,
        [...args, ...further],
        readyWithinMs === undefined ? { env } : { env, readyWithinMs },
      ),
    );
  }

  /** Asks the site's control endpoint, which no real site has: `/truth`, `/record`, `/faults`, … */
  async ask<T>(path: string, body?: unknown, withinMs = 30_000): Promise<T> {
    const response = await fetch(`${this.addresses.controlUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(withinMs),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
