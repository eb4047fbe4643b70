import { setImmediate } from 'node:timers/promises';
import type { ContainerEntry } from '#agent/qlik/engine/calls.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { type AppItem, appItem } from '#config/filter/item.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import type { Checkpoint } from './delta/checkpoint.ts';
import type { Survey, SurveyedApp } from './delta/survey.ts';
import { ownerOf, titleOf } from './meta.ts';
import type { RepositoryContent } from './repository-only.ts';

/** The rest of the agent goes on after so many: many large patterns take their time. */
const JUDGED_AT_ONCE = 16;

/** An app whose row is absent did not change since the same filter kept it. */
export const keptApps = async (survey: Survey, filter: Filter): Promise<Survey> => {
  const rejected = [...survey.rejected];
  const apps: SurveyedApp[] = [];
  for (const [index, app] of survey.apps.entries()) {
    const { id, name, row } = app;
    if (filter !== EVERYTHING && index % JUDGED_AT_ONCE === 0) await setImmediate();
    const verdict = row === undefined ? undefined : filter.judge(appItem(row));
    if (verdict?.kept === false) rejected.push([id, name, verdict.rule ?? 'in no list of includes']);
    else apps.push(app);
  }
  return { ...survey, apps, rejected };
};

/** Whether rows that name apps have to be written anew: an app is called otherwise, or may be named or not since. */
export const isNamedAnew = (base: Checkpoint, { apps }: Survey, filter: Filter): boolean => {
  if (apps.some(({ name, known }) => known !== undefined && known.name !== name)) return true;
  if (filter.rules.length === 0) return false;
  return apps.length !== base.apps.length || apps.some(({ known }) => known === undefined);
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Whether a sheet is kept that the engine told of. */
export const keepsSheet = (filter: Filter, app: AppItem, entry: ContainerEntry): boolean => {
  const owner = ownerOf(entry);
  return filter.judge({
    kind: 'sheet',
    id: entry.qInfo.qId,
    name: titleOf(entry),
    app,
    published: entry.qMeta?.published === true,
    approved: entry.qMeta?.approved === true,
    owner:
      owner === undefined
        ? null
        : { userDirectory: text(owner.userDirectory), userId: text(owner.userId), name: text(owner.name) },
  }).kept;
};

/** What was read of an app, without the sheets that the filter rejects and what stands on them. */
export const keptSheets = (row: QrsApp, content: AppContent, { filter = EVERYTHING }: AppContext): AppContent => {
  if (filter === EVERYTHING) return content;
  const app = appItem(row);
  const sheets = content.sheets.filter(({ entry }) => keepsSheet(filter, app, entry));
  if (sheets.length === content.sheets.length) return content;
  const gone = new Set(content.sheets.filter((one) => !sheets.includes(one)).map(({ entry }) => entry.qInfo.qId));
  const thumbnails = content.thumbnails?.filter(({ sheet }) => sheet === undefined || !gone.has(sheet));
  return { ...content, sheets, ...(thumbnails === undefined ? {} : { thumbnails }) };
};

/** The same of what only the repository told. */
export const keptObjects = (
  row: QrsApp,
  content: RepositoryContent,
  { filter = EVERYTHING }: AppContext,
): RepositoryContent => {
  if (filter === EVERYTHING) return content;
  const app = appItem(row);
  return {
    ...content,
    objects: content.objects.filter(
      ({ objectType, engineObjectId, name, published, approved, owner }) =>
        objectType !== 'sheet' ||
        filter.judge({ kind: 'sheet', id: engineObjectId, name, app, published, approved, owner }).kept,
    ),
  };
};
