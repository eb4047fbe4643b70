import { expect, test } from 'vitest';
import { generateSite } from './model/generate.ts';
import { profileOf } from './profiles.ts';
import { bodyText } from './qrs/answer.ts';
import { handleQrs, handleQrsInTurns } from './qrs/handler.ts';

const KEY = 'abcdefghij012345';
const site = generateSite({ seed: 5, apps: 40 });
const context = { site, profile: profileOf() };

const request = (path: string, method = 'GET', body = '') => {
  const url = new URL(`http://qlik/qrs/${path}`);
  url.searchParams.set('xrfkey', KEY);
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: { 'x-qlik-xrfkey': KEY },
    body,
    user: site.crawlUser,
  };
};
const ask = (path: string, method = 'GET'): { status: number; json: unknown } => {
  const answer = handleQrs(request(path, method), context);
  const text = bodyText(answer);
  const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
  return { status: answer.status, json: isJson ? JSON.parse(text) : text };
};

const task = site.reloadTasks[0]?.id ?? '';
const app = site.apps[0]?.id ?? '';

test.each([
  `task/${task}/start`,
  `task/${task}/start/synchronous`,
  `task/${task}/stop`,
  'task/start?name=x',
  'task/start/many',
  'reloadtask/create',
  `app/${app}/reload`,
  `app/${app}/export/${app}?skipData=true`,
  `app/${app}/copy?name=x`,
  'app/upload?name=x',
  'systemrule',
])('who may only read is refused POST %s, not told that there is no such thing', (path) => {
  expect(ask(path, 'POST')).toEqual({ status: 403, json: 'Forbidden' });
});

test('PUT app/…/publish is refused as well', () => {
  expect(ask(`app/${app}/publish?stream=${app}`, 'PUT').status).toBe(403);
});

test('what is below an entity and is no list stays unknown', () => {
  expect(ask(`app/${app}/data/metadata`).status).toBe(404);
  expect(ask('license/nothing/full').status).toBe(404);
});

test('a ping says that the repository is there', () => {
  expect(ask('ssl/ping')).toEqual({ status: 200, json: 'Ping successful' });
});

test('the node that answers says so', () => {
  expect(ask('servernodeconfiguration/local').json).toMatchObject({ id: site.nodeId, isCentral: true });
});

test('every service of the node runs', () => {
  expect(ask('ServiceStatus/full').json).toHaveLength(6);
  expect(ask('ServiceStatus/count?filter=serviceState eq 2').json).toEqual({ value: 6 });
});

test('the licence and the overview of access types agree with the allocations', () => {
  expect(ask('license').json).toMatchObject({ isExpired: false, schemaPath: 'License' });
  const overview = ask('license/accesstypeoverview').json as Record<string, { allocated: number; total: number }>;
  for (const [member, list] of [
    ['professionalAccess', 'professionalaccesstype'],
    ['analyzerAccess', 'analyzeraccesstype'],
  ] as const) {
    const rows = ask(`license/${list}/full`).json as { id: string; user: { id: string } }[];
    expect(rows.length).toBeGreaterThan(0);
    expect(overview[member]?.allocated).toBe(rows.length);
    expect(ask(`license/${list}/count`).json).toEqual({ value: rows.length });
    expect(ask(`license/${list}/${rows[0]?.id}`).json).toEqual(rows[0]);
    for (const { user } of rows) expect(site.users.some(({ id }) => id === user.id)).toBe(true);
  }
});

test('security rules are listed and can be filtered by category', () => {
  const rules = ask("systemrule/full?filter=category eq 'Security'").json as { name: string }[];
  expect(rules.map(({ name }) => name)).toContain('RootAdmin');
  expect(ask('systemrule/count').json).toEqual({ value: rules.length });
});

test('others are served while all objects of a site are read, and the answer is the same', async () => {
  let turns = 0;
  const counting = setInterval(() => {
    turns += 1;
  });
  const large = generateSite({ seed: 6, apps: 300 });
  const asked = [
    request(
      'app/object/table?sortColumn=id&take=20',
      'POST',
      JSON.stringify({
        columns: [{ name: 'id', columnType: 'Property', definition: 'id' }],
      }),
    ),
    { site: large, profile: profileOf() },
  ] as const;
  const patient = JSON.parse(bodyText(await handleQrsInTurns(...asked))) as { rows: unknown };
  clearInterval(counting);
  expect(turns).toBeGreaterThan(1);
  expect(patient.rows).toEqual((JSON.parse(bodyText(handleQrs(...asked))) as { rows: unknown }).rows);
});

test('rows can be sorted by several paths, each its own way', () => {
  const rows = ask('app?orderby=published desc,name asc').json as { published: boolean; name: string }[];
  const expected = rows.toSorted(
    (a, b) =>
      Number(b.published) - Number(a.published) ||
      (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : Number(a.name.toLowerCase() > b.name.toLowerCase())),
  );
  expect(rows.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
});

test('a run looks in the short list as it looks in its task', () => {
  const runs = ask('executionresult').json as { id: string; details: unknown }[];
  const tasks = ask('reloadtask/full').json as {
    operational: { lastExecutionResult: { id: string; status: number } };
  }[];
  const ran = tasks.map(({ operational }) => operational.lastExecutionResult).filter(({ status }) => status !== 0);
  expect(runs.length).toBeGreaterThan(0);
  for (const run of runs) expect(ran).toContainEqual(run);
});
