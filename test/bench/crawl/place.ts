import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Connection } from '#config/connection/connection.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { SimulatedSite } from '#test/demo/site.ts';

export interface PlaceOptions {
  readonly seed: number;
  readonly apps: number;
  readonly profile: string;
}

/** A site that waits as long as a real one would (`test/simulator/COST.md`), in a process of its own, and a folder. */
export class Place implements AsyncDisposable {
  readonly folder: string;
  readonly site: SimulatedSite;
  /** The connection file. */
  readonly file: string;

  private constructor(folder: string, site: SimulatedSite) {
    this.folder = folder;
    this.site = site;
    this.file = join(folder, 'bench.conf');
    writeFileSync(this.file, connectionFile(site.addresses), { mode: 0o600 });
  }

  static async make({ seed, apps, profile }: PlaceOptions): Promise<Place> {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-bench-'));
    try {
      const site = join(folder, 'site');
      mkdirSync(site);
      process.stdout.write(`site of ${apps} apps, seed ${seed}, ${profile}, service times on\n`);
      const further = ['--service-time'];
      return new Place(
        folder,
        await SimulatedSite.start({ folder: site, seed, apps, profile, further, readyWithinMs: 300_000 }),
      );
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async connection(): Promise<Connection> {
    const parsed = await loadConnectionFile(basename(this.file), { folder: this.folder });
    if (parsed?.connection === undefined) throw new Error(`${this.file} cannot be used`);
    return parsed.connection;
  }

  /** Forgets what was asked of the site up to now. */
  async forget(): Promise<void> {
    await fetch(`${this.site.addresses.controlUrl}/record`, { method: 'DELETE' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
