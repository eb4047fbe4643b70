import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { AssetKind, EdgeKind, Outcome } from '#protocol/records.ts';
import type { AppContext } from '../app-context.ts';
import { writeApp, writeAppLineage } from '../app-scope.ts';
import type { RemadeWith } from '../delta/remade-notes.ts';
import { keptSheets } from '../filtered.ts';
import { type Ending, ScopeWriter } from '../scope-writer.ts';
import { writeScript } from '../scripts.ts';

/** What comes of lineage in the scope of an app: all of it is written whenever any of it is. */
const LINEAGE = ['dataset', 'column', 'derives', 'loads', 'produces'] as const satisfies readonly (
  | AssetKind
  | EdgeKind
)[];
/** Where files are read that scripts include, these are assets, too, and change without their apps. */
const SCRIPTS = ['script', 'scriptSection'] as const satisfies readonly AssetKind[];

/** What became of an app whose lineage was made anew. */
export interface RemadeApp {
  readonly outcome: Outcome;
  readonly out: ScopeWriter;
}

/**
 * Makes the lineage of an app anew and writes its scope as a difference of which its lineage is all: of what was kept of it,
 * with what surrounds it now. The app itself comes with it, which says how well its script was understood, and whose it is.
 *
 * @param ending is told before the end of the scope is written with what the lineage was made
 * @returns undefined when nothing is kept of the app; nothing is written then
 */
export const remakeApp = async (
  sink: RecordSink,
  row: QrsApp,
  context: AppContext,
  ending: (made: RemadeWith) => Promise<Ending>,
): Promise<RemadeApp | undefined> => {
  const { keys, files, lineage } = context;
  const content = await (await lineage?.kept())?.read(row.id);
  const made = content && (await lineage?.of(row, content));
  if (content === undefined || made === undefined) return undefined;
  const withScripts = files?.readsIncludes === true;
  const anew: readonly (AssetKind | EdgeKind)[] = withScripts ? [...LINEAGE, ...SCRIPTS] : LINEAGE;
  const only = new Set<AssetKind | EdgeKind>([...anew, 'app', 'owns', ...(withScripts ? (['uses'] as const) : [])]);
  const end = (): Promise<Ending> => ending({ lineage: made.inputs, includes: files?.taken(row.id) });
  const out = new ScopeWriter(sink, keys.of(row.id), end, only);
  await out.open('app', row.name);
  const kept = keptSheets(row, content, context);
  await writeApp(out, row, context, kept, made);
  const unknown = await writeAppLineage(out, row, context, kept, made);
  if (withScripts) await writeScript(out, row, context, kept);
  // What could not be read of the app when it was read lacks still, with the lineage of it.
  const outcome = content.gaps.missing.length === 0 ? 'updated' : 'partial';
  await out.outcome(outcome, { missing: [...content.gaps.missing, ...unknown], anew });
  return { outcome, out };
};
