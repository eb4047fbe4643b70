import type { Impact } from '#catalog/api/contract.ts';
import { number } from '../format.ts';
import { assetLink, kindName } from '../kinds.ts';
import { AssetName, Name } from '../parts/text.tsx';

const many = (count: number, one: string, several: string): string => `${number(count)} ${count === 1 ? one : several}`;

/** All of it in one sentence, as somebody would tell it to a colleague. */
export const impactSentence = ({ focus, direction, counts, summary, cut }: Impact): string => {
  const it = `this ${focus.kind === null ? 'dataset' : kindName(focus.kind).toLowerCase()}`;
  const atLeast = cut ? 'at least ' : '';
  const { sheets, appsWithSheets, ownersOfSheets, apps, owners } = summary;
  const of = (count: number): string => (count === 0 ? '' : ` of ${many(count, 'owner', 'owners')}`);
  const said = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}.`;
  if (direction === 'up') {
    const datasets = many(counts.dataset ?? 0, 'dataset', 'datasets');
    const ways = (counts.app ?? 0) === 0 ? '' : `, through ${many(counts.app ?? 0, 'app', 'apps')}`;
    return said(`${it} comes from ${atLeast}${datasets}${ways}`);
  }
  if (sheets > 0) {
    const where = `${many(sheets, 'sheet', 'sheets')} in ${many(appsWithSheets, 'app', 'apps')}${of(ownersOfSheets)}`;
    return said(`${atLeast}${where} ${sheets === 1 ? 'depends' : 'depend'} on ${it}`);
  }
  if (apps > 0)
    return said(
      `${atLeast}${many(apps, 'app', 'apps')}${of(owners)} ${apps === 1 ? 'depends' : 'depend'} on ${it}, no sheet`,
    );
  return said(
    `no app depends on ${it}, as far as is known; ${many(counts.dataset ?? 0, 'dataset', 'datasets')} made of it`,
  );
};

type App = Impact['apps'][number];

const Sheets = ({ app: { sheets, sheetCount } }: { app: App }) =>
  sheetCount === 0 ? (
    <span class="quiet">no sheet</span>
  ) : (
    <>
      {sheets.map(({ key, name, charts, owner }, index) => (
        <span key={key}>
          {index > 0 && ', '}
          <a href={assetLink(key)}>
            <AssetName name={name} assetKey={key} />
          </a>
          {charts > 0 && <span class="quiet"> {many(charts, 'chart', 'charts')}</span>}
          {owner !== null && (
            <span class="quiet">
              {' '}
              of <bdi>{owner.name}</bdi>
            </span>
          )}
        </span>
      ))}
      {sheetCount > sheets.length && <span class="quiet"> and {number(sheetCount - sheets.length)} more sheets</span>}
    </>
  );

/** Owners, their apps, and the sheets in them. */
export const UsedIn = ({ impact: { apps, summary } }: { impact: Impact }) => {
  if (apps.length === 0) return null;
  const owners = new Map<string, { owner: App['owner']; apps: App[] }>();
  for (const app of apps) {
    const id = app.owner === null ? '' : (app.owner.key ?? `${app.owner.name} ${app.owner.email}`);
    const group = owners.get(id) ?? { owner: app.owner, apps: [] };
    group.apps.push(app);
    owners.set(id, group);
  }
  return (
    <section aria-labelledby="used-in">
      <h2 id="used-in">Whom it concerns</h2>
      <ul class="impact-groups card">
        {[...owners].map(([id, { owner, apps: list }]) => (
          <li key={id}>
            <h3>
              {owner === null ? (
                'Without an owner'
              ) : owner.key === null ? (
                <bdi>{owner.name}</bdi>
              ) : (
                <a href={assetLink(owner.key)}>
                  <bdi>{owner.name}</bdi>
                </a>
              )}
              {owner !== null && owner.email !== null && (
                <span class="quiet">
                  {' '}
                  <bdi>{owner.email}</bdi>
                </span>
              )}
            </h3>
            <ul>
              {list.map((app) => (
                <li key={app.key}>
                  <span class="kind">App</span>{' '}
                  <a href={assetLink(app.key)}>
                    <Name text={app.name} limit={80} />
                  </a>
                  : <Sheets app={app} />
                </li>
              ))}
            </ul>
          </li>
        ))}
        {summary.apps > apps.length && <li class="quiet">and {number(summary.apps - apps.length)} more apps</li>}
      </ul>
    </section>
  );
};
