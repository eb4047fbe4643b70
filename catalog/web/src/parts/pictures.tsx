import { useState } from 'preact/hooks';
import type { Asset, Job } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call, withQuery } from '../api.ts';
import { cut } from '../format.ts';
import { assetLink, connectionLink, jobLink } from '../kinds.ts';
import { useLoad } from '../load.ts';
import type { Picture, PictureList } from '../shapes.ts';
import { useAction } from './controls.tsx';
import { isActive } from './job.tsx';
import { ErrorPanel } from './panels.tsx';
import { AssetName, Name } from './text.tsx';

const SOURCES = { data: 'With data', layout: 'Layout', thumbnail: 'Thumbnail of Qlik' } as const;
/** What is shown first, where there are several. */
const ORDER = ['data', 'layout', 'thumbnail'] as const satisfies readonly (keyof typeof SOURCES)[];
const NAMED_CHARTS = 12;

/** What it shows, in words, for who cannot see it. */
const inWords = ({ name, charts, kind }: Picture): string => {
  const named = charts.slice(0, NAMED_CHARTS).map((chart) => cut(chart, 60));
  const more = charts.length > named.length ? ' and others' : '';
  const what = `Picture of the ${kind} ${cut(name, 80)}`;
  return named.length === 0 ? what : `${what}: ${named.join(', ')}${more}`;
};

/** Only ever as an image: nothing in it runs, and nothing that it names is loaded. */
const Image = ({ picture }: { picture: Picture }) => (
  <img
    src={withQuery('/api/v1/assets/picture', { key: picture.key, source: picture.source, v: picture.version })}
    alt={inWords(picture)}
    loading="lazy"
    decoding="async"
  />
);

/** Of one asset by their source; the one with the values first. */
const bySource = (pictures: readonly Picture[]): readonly Picture[] =>
  ORDER.flatMap((source) => pictures.filter((picture) => picture.source === source));

const Large = ({ pictures }: { pictures: readonly Picture[] }) => {
  const [wanted, setWanted] = useState<Picture['source']>();
  const shown = pictures.find(({ source }) => source === wanted) ?? pictures[0];
  if (shown === undefined) return null;
  return (
    <figure class={`picture ${shown.source === 'thumbnail' ? 'small' : ''}`}>
      <Image picture={shown} />
      {pictures.length > 1 && (
        <figcaption class="actions">
          {pictures.map(({ source }) => (
            <button
              key={source}
              type="button"
              class="small"
              aria-pressed={source === shown.source}
              onClick={() => setWanted(source)}
            >
              {SOURCES[source]}
            </button>
          ))}
        </figcaption>
      )}
    </figure>
  );
};

const Gallery = ({ pictures }: { pictures: readonly Picture[] }) => {
  const sheets = [...new Set(pictures.map(({ key }) => key))];
  return (
    <ul class="gallery">
      {sheets.map((key) => {
        const [first] = bySource(pictures.filter((picture) => picture.key === key));
        return first === undefined ? null : (
          <li key={key}>
            <a href={assetLink(key)}>
              <Image picture={first} />
              <AssetName name={first.name} assetKey={key} />
            </a>
          </li>
        );
      })}
    </ul>
  );
};

/** The id of a sheet as Qlik's own address of it has it: its key may be made of another one. */
const sheetId = ({ key, attributes }: Asset): string => {
  const { url } = attributes;
  const [, id] = typeof url === 'string' ? (/\/sheet\/([^/?#]{1,300})/.exec(url) ?? []) : [];
  try {
    return decodeURIComponent(id ?? key.split('/').at(-1) ?? '');
  } catch {
    return '';
  }
};

const DrawWithData = ({ asset }: { asset: Asset }) => {
  const { busy, problem, run } = useAction();
  const [jobId, setJobId] = useState<string>();
  const app = decodeURIComponent(asset.key.split('/')[1] ?? '');
  const sheet = asset.kind === 'sheet' ? sheetId(asset) : '';
  const start = async (): Promise<void> => {
    const options = { app, data: true, ...(sheet === '' ? {} : { sheets: [sheet] }) };
    const job = await call<Job>('POST', `/api/v1${connectionLink(asset.connection)}/jobs`, {
      body: { kind: 'preview', options },
    });
    announce('Drawing with data.', true);
    setJobId(job.id);
  };
  return (
    <>
      <button type="button" aria-disabled={busy} onClick={() => void run(start)}>
        {busy ? 'Starting…' : 'Draw with data'}
      </button>
      {jobId !== undefined && <Drawing id={jobId} />}
      {problem && (
        <div class="reason">
          <ErrorPanel error={problem} title="It was not started" />
        </div>
      )}
    </>
  );
};

/** What became of it; the picture itself appears by itself. */
const Drawing = ({ id }: { id: string }) => {
  const { data: job } = useLoad<Job>(
    `/api/v1/jobs/${encodeURIComponent(id)}`,
    (change) => change.name === 'job' && change.id === id,
  );
  if (job === undefined) return null;
  if (job.error !== null && !isActive(job))
    return (
      <div class="reason">
        <ErrorPanel error={job.error} title="It could not be drawn with data" />
      </div>
    );
  return (
    <span class="quiet reason" role="status">
      {isActive(job) ? 'The agent opens the app with its data and draws it. ' : 'Drawn. '}
      <a href={jobLink(id)}>Job</a>
    </span>
  );
};

/** What an app or a sheet looks like; nothing where that is not known. */
export const Pictures = ({ asset }: { asset: Asset }) => {
  const isApp = asset.kind === 'app';
  const { data } = useLoad<PictureList>(
    withQuery('/api/v1/assets/pictures', { key: asset.key }),
    (change) => change.name === 'assets' && change.connection === asset.connection,
  );
  if (data === undefined || data.items.length === 0) return null;
  const own = bySource(data.items.filter(({ key }) => key === asset.key));
  const sheets = data.items.filter(({ key }) => key !== asset.key);
  return (
    <section aria-labelledby="pictures" class="pictures">
      <div class="section-head">
        <h2 id="pictures">{isApp ? 'Sheets' : 'Picture'}</h2>
        <div class="actions">
          <DrawWithData asset={asset} />
        </div>
      </div>
      <Large pictures={own} />
      {sheets.length > 0 && <Gallery pictures={sheets} />}
      {isApp && sheets.length > 0 && (
        <p class="unseen">
          Sheets of <Name text={asset.name} limit={80} />
        </p>
      )}
    </section>
  );
};
