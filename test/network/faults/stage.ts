import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import type { FaultRow, HealthyRow } from './row.ts';

/** Ports of real proxies, and the user that they know: squid open, with Basic, the same over TLS; microsocks with a password. */
export interface RunningProxies {
  readonly open: number;
  readonly plain: number;
  readonly secure: number;
  readonly socks: number;
  readonly user: { readonly name: string; readonly password: string };
}

/** Where one row is played: a folder, a site, and whatever servers the row starts beside it. */
export class Stage implements AsyncDisposable {
  /** The connections folder. */
  readonly folder: string;
  readonly #site: Simulator | undefined;
  readonly #proxies: RunningProxies | undefined;
  readonly #kept: AsyncDisposable[] = [];

  private constructor(folder: string, site: Simulator | undefined, proxies: RunningProxies | undefined) {
    this.folder = folder;
    this.#site = site;
    this.#proxies = proxies;
  }

  /** `pki`: the folder where keys and certificates are kept from row to row. */
  static async set(
    folder: string,
    pki: string,
    { site }: FaultRow | HealthyRow,
    proxies: RunningProxies | undefined,
  ): Promise<Stage> {
    mkdirSync(folder, { recursive: true });
    if (site === 'none') return new Stage(folder, undefined, proxies);
    return new Stage(folder, await startSimulator({ seed: 7, apps: 6, folder: pki, ...site }), proxies);
  }

  get site(): Simulator {
    if (this.#site === undefined) throw new RangeError('this row has no site');
    return this.#site;
  }

  get proxies(): RunningProxies {
    if (this.#proxies === undefined) throw new RangeError('this row needs proxies');
    return this.#proxies;
  }

  get hasSite(): boolean {
    return this.#site !== undefined;
  }

  /** Writes a file beside the connection file; returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Closes it when the row is over. */
  keep<Server extends AsyncDisposable>(server: Server): Server {
    this.#kept.push(server);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#kept.reverse()) await one[Symbol.asyncDispose]();
    await this.#site?.[Symbol.asyncDispose]();
  }
}
