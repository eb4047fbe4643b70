import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';
import type { AppContent } from '../app-content.ts';
import { type AppContext, writeApp, writeAppLineage } from '../app-scope.ts';
import { keptSheets } from '../filtered.ts';
import type { ScopeWriter } from '../scope-writer.ts';
import type { AppLineage } from './site-lineage.ts';

/** What comes of lineage in the scope of an app: all of it is written whenever any of it is. */
const LINEAGE = ['dataset', 'column', 'derives', 'loads', 'produces'] as const satisfies readonly (
  | AssetKind
  | EdgeKind
)[];

/** With the app itself, which says how well its script was understood, and whose it is. */
export const REMADE: ReadonlySet<AssetKind | EdgeKind> = new Set([...LINEAGE, 'app', 'owns']);

/**
 * Writes the scope of an app as a difference of which its lineage is all: what was kept of it, with what surrounds it now.
 * `out` has to let {@link REMADE} through and nothing else.
 */
export const writeRemade = async (
  out: ScopeWriter,
  row: QrsApp,
  content: AppContent,
  context: AppContext,
  lineage: AppLineage,
): Promise<void> => {
  await out.open('app', row.name);
  const kept = keptSheets(row, content, context);
  await writeApp(out, row, context, kept, lineage);
  const unknown = await writeAppLineage(out, row, context, kept, lineage);
  await out.outcome('updated', { missing: [...content.gaps.missing, ...unknown], anew: LINEAGE });
};
