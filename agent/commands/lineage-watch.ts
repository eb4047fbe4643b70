import { join } from 'node:path';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { CHECKPOINT_FOLDER } from '#agent/crawl/delta/checkpoint.ts';
import { forgetRemade } from '#agent/crawl/delta/remade-notes.ts';
import { staleLineage } from '#agent/crawl/lineage/stale.ts';
import { refuseInQuietHours } from '#agent/crawl/quiet-hours.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { AgentEffect } from '#protocol/agent-events.ts';
import { asFault } from '#protocol/errors.ts';
import type { StaleLineage } from '#protocol/status.ts';
import type { LineageOf } from './lineage-means.ts';
import type { PolicyInForce } from './policy.ts';

export interface LineageWatchOptions {
  /** Codes of the connections that are looked at. */
  readonly codes: () => readonly string[];
  /** Looks at one connection; undefined: nothing is stale. */
  readonly look: (code: string, signal: AbortSignal) => Promise<StaleLineage | undefined>;
  /** Told when what {@link LineageWatch.of} says is another. */
  readonly onChange: () => void;
  /** Forgets what a job noted of a connection; whether there was anything. */
  readonly forget?: (code: string, jobId: string) => Promise<boolean>;
  readonly everyMs: number;
  readonly log: { debug(fields: object, message: string): void };
}

/**
 * Looks from time to time, and soon after a reason to, whether what lineage was made with is still the same; the status of
 * the agent says so, and the catalog asks for the lineage to be made anew. One connection at a time; none while a job writes
 * its scopes.
 */
export class LineageWatch implements AsyncDisposable {
  readonly #options: LineageWatchOptions;
  readonly #stale = new Map<string, StaleLineage>();
  readonly #waiting = new Set<string>();
  /** Whose notes are to be forgotten, and of which connection. */
  readonly #unpublished: { readonly code: string; readonly jobId: string }[] = [];
  readonly #busy = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #run: Promise<void> | undefined;
  #forgetting: Promise<void> = Promise.resolve();

  constructor(options: LineageWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.soon(), options.everyMs).unref();
  }

  /** What was found of a connection when it was looked at last. */
  of(code: string): StaleLineage | undefined {
    return this.#stale.get(code);
  }

  /** Looks at these connections as soon as there is time; without codes at all. */
  soon(codes: readonly string[] = this.#options.codes()): void {
    for (const code of codes) this.#waiting.add(code);
    this.#go();
  }

  /** Told of what the link does: what a job made that the catalog did not publish is as stale as it was before. */
  onStep(effects: readonly AgentEffect[]): void {
    for (const effect of effects)
      if (effect.type === 'remove' && effect.why !== 'closed')
        for (const code of this.#options.codes()) this.#unpublished.push({ code, jobId: effect.jobId });
    this.#forget();
  }

  /**
   * Forgets what jobs noted that were not published. Never of a connection at which a job is at work: that reads the notes when
   * it begins and replaces them when it ends, and what one of the two writes would be lost.
   */
  #forget(): void {
    const { forget, log } = this.#options;
    this.#forgetting = this.#forgetting.then(async () => {
      for (;;) {
        const at = this.#unpublished.findIndex(({ code }) => !this.#busy.has(code));
        const [one] = at < 0 ? [] : this.#unpublished.splice(at, 1);
        if (one === undefined) return;
        try {
          if ((await forget?.(one.code, one.jobId)) === true) this.soon([one.code]);
        } catch (error) {
          const fields = { connection: one.code, jobId: one.jobId, ...faultFields(asFault(error)) };
          log.debug(fields, 'notes of a job were not forgotten');
        }
      }
    });
  }

  #go(): void {
    if (this.#next === undefined) return;
    this.#run ??= this.#work().finally(() => {
      this.#run = undefined;
      this.#go();
    });
  }

  /** One whose job runs is looked at when that has ended. */
  get #next(): string | undefined {
    return this.#stop.signal.aborted ? undefined : [...this.#waiting].find((code) => !this.#busy.has(code));
  }

  /** The same handler, after which its connection is looked at. */
  around(handler: JobHandler): JobHandler {
    return { run: (spec, sink, context) => this.during(spec.connection, () => handler.run(spec, sink, context)) };
  }

  /** Does something that makes lineage of a connection, and looks at it afterwards. */
  async during<T>(code: string, work: () => Promise<T>): Promise<T> {
    this.#busy.set(code, (this.#busy.get(code) ?? 0) + 1);
    try {
      // What is being forgotten is written before the job reads it.
      await this.#forgetting;
      return await work();
    } finally {
      const left = (this.#busy.get(code) ?? 1) - 1;
      if (left > 0) this.#busy.set(code, left);
      else this.#busy.delete(code);
      this.#forget();
      this.soon([code]);
    }
  }

  async #work(): Promise<void> {
    for (let code = this.#next; code !== undefined; code = this.#next) {
      this.#waiting.delete(code);
      try {
        this.#take(code, await this.#options.look(code, this.#stop.signal));
      } catch (error) {
        // What it was is not another for that; the next look tells.
        this.#options.log.debug({ connection: code, ...faultFields(asFault(error)) }, 'lineage was not looked at');
      }
    }
  }

  #take(code: string, found: StaleLineage | undefined): void {
    // It was looked at before a job began, which may have made all of it anew meanwhile.
    if (this.#busy.has(code) || this.#stop.signal.aborted) return;
    if (this.#stale.get(code)?.changed === found?.changed) return;
    if (found === undefined) this.#stale.delete(code);
    else this.#stale.set(code, found);
    this.#options.onChange();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#run;
    await this.#forgetting;
  }
}

/** Forgets what jobs noted in the state folder of the agent. */
export const lineageForget =
  ({ stateFolder }: { readonly stateFolder: string }): NonNullable<LineageWatchOptions['forget']> =>
  (code, jobId) =>
    forgetRemade(join(stateFolder, CHECKPOINT_FOLDER), code, jobId);

/** Looks at one connection, as its file and the policies are now: what may not be asked for is not looked for. */
export const lineageLook =
  (
    folder: Pick<ConnectionFolder, 'get'>,
    policy: Pick<PolicyInForce, 'refusals'>,
    site: { readonly dialer: Dialer; readonly log: Log },
    lineageOf: LineageOf,
    { stateFolder, owner }: { readonly stateFolder: string; readonly owner: string },
  ): LineageWatchOptions['look'] =>
  async (code, signal) => {
    const connection = folder.get(code);
    if (connection?.enabled !== true) return undefined;
    if (policy.refusals(code).some(({ kind, option }) => kind === 'lineage' && option === undefined)) return undefined;
    refuseInQuietHours(connection);
    await using opened = openSite(connection, { ...site, signal });
    const means = await lineageOf(code);
    return await staleLineage(opened, connection, {
      ...{ means, owner, signal },
      folder: join(stateFolder, CHECKPOINT_FOLDER),
    });
  };
