import { type Impact as Found, kindOf, type Owner, type Reached } from '#catalog/store/impact.ts';
import type { Impact } from './contract.ts';

/** So many apps are listed with their sheets, and of an app so many sheets; the numbers beside them are whole. */
const MOST_APPS = 200;
const MOST_SHEETS = 20;

const byName = (a: { name: string; key: string }, b: { name: string; key: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.key < b.key ? -1 : 1;

/** One text for each person. */
export const idOf = ({ key, name, email }: Owner): string => key ?? `${name} ${email}`;

/** The sheet that something lies on, when it was reached, too; null of what is on none. */
export const sheetOf = ({ reached }: Found, { place }: Reached): Reached | null => {
  if (place.kind === 'sheet') return reached.get(place.key) ?? null;
  // A chart may lie in another, as deep as people nest them.
  let at = place;
  for (let depth = 0; depth < 100 && at.parent !== null; depth += 1) {
    const above = reached.get(at.parent);
    if (above === undefined) return null;
    if (above.place.kind === 'sheet') return above;
    at = above.place;
  }
  return null;
};

/** What was found in apps, by the owner of the app, the app, and the sheet: whom to tell, and where they look. */
export const groupsOf = (found: Found, owners: ReadonlyMap<string, Owner>): Pick<Impact, 'apps' | 'summary'> => {
  type Sheet = Impact['apps'][number]['sheets'][number];
  type App = Impact['apps'][number] & { readonly all: Map<string, Sheet> };
  const apps = new Map<string, App>();
  for (const one of found.reached.values()) {
    const { app: key, appName } = one.place;
    if (key === null) continue;
    const app = apps.get(key) ?? {
      ...{ key, name: appName ?? key, owner: owners.get(key) ?? null, charts: 0, sheetCount: 0, sheets: [] },
      all: new Map<string, Sheet>(),
    };
    apps.set(key, app);
    const kind = kindOf(one.place);
    const sheet = kind === 'sheet' || kind === 'chart' ? sheetOf(found, one) : null;
    if (kind === 'chart') app.charts += 1;
    if (sheet === null) continue;
    const { key: sheetKey, name } = sheet.place;
    const own = owners.get(sheetKey) ?? null;
    const owner = own !== null && (app.owner === null || idOf(own) !== idOf(app.owner)) ? own : null;
    const known = app.all.get(sheetKey) ?? { key: sheetKey, name, charts: 0, owner };
    app.all.set(sheetKey, { ...known, charts: known.charts + (kind === 'chart' ? 1 : 0) });
  }
  const list = [...apps.values()].map(({ all, ...app }) => ({
    ...app,
    sheetCount: all.size,
    // Also of sheets that are not listed.
    owners: [app.owner, ...[...all.values()].map(({ owner }) => owner)].flatMap((owner) => owner ?? []),
    sheets: [...all.values()].sort(byName).slice(0, MOST_SHEETS),
  }));
  // What has no owner comes last.
  const ownerName = ({ owner }: Impact['apps'][number]): string => owner?.name ?? '\uffff';
  list.sort((a, b) => (ownerName(a) === ownerName(b) ? byName(a, b) : ownerName(a) < ownerName(b) ? -1 : 1));
  const seen = list.filter(({ sheetCount }) => sheetCount > 0);
  const ownersOf = (some: typeof list): number => new Set(some.flatMap((app) => app.owners.map(idOf))).size;
  return {
    apps: list.slice(0, MOST_APPS).map(({ owners: _, ...app }) => app),
    summary: {
      sheets: list.reduce((sum, { sheetCount }) => sum + sheetCount, 0),
      ...{ appsWithSheets: seen.length, ownersOfSheets: ownersOf(seen), apps: list.length, owners: ownersOf(list) },
    },
  };
};
