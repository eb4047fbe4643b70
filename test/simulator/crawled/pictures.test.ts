import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { drawPreview } from '#agent/crawl/pictures/preview.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import { CrawlOptions, PreviewOptions } from '#protocol/job-options.ts';
import type { PictureRecord, StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';
import { checkXml, textsOf } from '#test/unit/pictures/xml.ts';
import { impatience } from '#test/unit/qlik/fake-site.ts';

let simulator: Simulator;
/** Another one for previews: a user has five sessions. */
let visited: Simulator;
beforeAll(async () => {
  simulator = await simulate({ apps: 8 });
  visited = await simulate({ apps: 8 });
});
afterAll(async () => {
  await simulator?.[Symbol.asyncDispose]();
  await visited?.[Symbol.asyncDispose]();
});

const isPicture = (record: StreamRecord): record is PictureRecord => record.t === 'picture';
const textOf = ({ content }: PictureRecord): string => Buffer.from(content, 'base64').toString();

const ASKED = CrawlOptions.parse({ pictures: true });

test('a crawl that is asked for pictures brings one of every sheet, and what Qlik keeps of them, in their scopes', async () => {
  const { records, assets, outcomes } = await crawlSimulated(connectionFor(simulator), { asked: ASKED });
  const pictures = records.filter(isPicture);
  // Of an app that cannot be opened the repository names sheets, and nothing of what is on them.
  const read = [...outcomes.values()].filter(({ outcome }) => outcome === 'complete' || outcome === 'partial');
  const sheets = assets.filter(({ kind, scope }) => kind === 'sheet' && read.some((one) => one.scope === scope));
  const drawn = pictures.filter(({ source }) => source === 'layout');
  expect(drawn.map(({ key }) => key).sort()).toEqual(sheets.map(({ key }) => key).sort());
  for (const picture of drawn) checkXml(textOf(picture));
  const kept = pictures.filter(({ source }) => source === 'thumbnail');
  const apps = simulator.site.apps.filter(
    ({ id, thumbnail }) => thumbnail !== '' && read.some(({ scope }) => scope === `sim/${id}`),
  );
  expect(
    kept
      .filter(({ key }) => key.split('/').length === 2)
      .map(({ key }) => key)
      .sort(),
  ).toEqual(apps.map(({ id }) => `sim/${id}`).sort());
  expect(kept.every(({ mediaType }) => mediaType === 'image/png')).toBe(true);
  expect(kept.length).toBeGreaterThan(apps.length);
  // The same site gives the same pictures, byte for byte.
  const again = (await crawlSimulated(connectionFor(simulator), { asked: ASKED })).records.filter(isPicture);
  const byKey = (all: PictureRecord[]) => new Map(all.map((one) => [`${one.key} ${one.source}`, one.content]));
  expect(byKey(again)).toEqual(byKey(pictures));
});

test('a crawl that is not asked for pictures brings none and fetches none', async () => {
  const { records } = await crawlSimulated(connectionFor(simulator));
  expect(records.some(isPicture)).toBe(false);
});

const dialer = new Dialer();

const preview = async (asked: Partial<PreviewOptions> & { app: string }) => {
  const sent: StreamRecord[] = [];
  await using site = openSite(connectionFor(visited), { dialer, patience: impatience() });
  const gate = new RecordGate({ write: async (record) => void sent.push(record) });
  await drawPreview(site, gate, EVERYTHING, PreviewOptions.parse(asked), new AbortController().signal);
  return sent.filter(isPicture);
};

const someApp = () => {
  const app = visited.site.apps.find(
    ({ id, admitted, lastReloadTime }) =>
      admitted === null && lastReloadTime !== null && visited.site.content(id).sheets.length > 1,
  );
  if (app === undefined) throw new Error('no such app');
  return app;
};

test('a preview with data draws real values, and leaves no session open', async () => {
  const app = someApp();
  const pictures = await preview({ app: app.id, data: true });
  expect(pictures.length).toBe(visited.site.content(app.id).sheets.length);
  expect(new Set(pictures.map(({ source }) => source))).toEqual(new Set(['data']));
  for (const picture of pictures) checkXml(textOf(picture));
  const plain = await preview({ app: app.id });
  expect(new Set(plain.map(({ source }) => source))).toEqual(new Set(['layout']));
  const texts = pictures.flatMap((one) => textsOf(textOf(one)));
  const without = new Set(plain.flatMap((one) => textsOf(textOf(one))));
  expect(texts.filter((text) => /\d/.test(text) && !without.has(text)).length).toBeGreaterThan(3);
});

test('a preview draws the sheets that were asked for; of others it says that there are none', async () => {
  const app = someApp();
  const [, second] = visited.site.content(app.id).sheets;
  const pictures = await preview({ app: app.id, sheets: [second?.qId ?? ''] });
  expect(pictures.map(({ key }) => key)).toEqual([`sim/${app.id}/${second?.qId}`]);
  await expect(preview({ app: app.id, sheets: ['gone'] })).rejects.toMatchObject({ code: 'qlik.not_found' });
});
