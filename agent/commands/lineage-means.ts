import { join } from 'node:path';
import { KEPT_FOLDER, KeptApps } from '#agent/crawl/lineage/kept-apps.ts';
import type { LineageMeans } from '#agent/crawl/lineage/site-lineage.ts';
import type { Log } from '#agent/qlik/log.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import type { ScriptRules } from './policy.ts';

/** How the lineage of the apps of one connection is made, as the policies are now. */
export type LineageOf = (connection: string) => Promise<LineageMeans>;

/** Lineage as the agent makes it: with what was kept, where that is allowed; where it is not any more it is forgotten. */
export const lineageMeans =
  (
    process: LineageMeans['process'],
    scriptsOf: (connection: string) => ScriptRules,
    place: { readonly stateFolder: string; readonly owner: string },
    log: Log,
  ): LineageOf =>
  async (connection) => {
    const { texts, keep } = scriptsOf(connection);
    const folder = join(place.stateFolder, KEPT_FOLDER);
    if (!keep) await KeptApps.forgetAll(folder, connection);
    const kept = keep ? { folder, keys: new KeyFile(place.stateFolder), owner: place.owner, log } : undefined;
    return { process, withTexts: texts, kept };
  };
