import { expect, test } from 'vitest';
import { isAdmitted } from './model/access.ts';
import { generateSite } from './model/generate.ts';
import { type DatasetName, includedScripts, lineageTruth } from './model/lineage-truth.ts';
import { mutableSite } from './model/mutate.ts';
import { truth } from './model/truth.ts';

const HOST = 'qlik.corp.example';
const site = generateSite({ seed: 61, apps: 250 });
const apps = lineageTruth(site, HOST);
const text = ({ root, parts }: DatasetName): string => `${root}${parts.join('/')}`;

test('apps feed each other through QVDs in three layers, and begin at databases', () => {
  const written = new Map(apps.flatMap(({ appId, stores }) => stores.map(({ dataset }) => [text(dataset), appId])));
  const reads = apps.flatMap((app) => app.reads.map((dataset) => ({ appId: app.appId, dataset: text(dataset) })));
  const fed = reads.filter(({ dataset, appId }) => written.has(dataset) && written.get(dataset) !== appId);
  expect(fed.length).toBeGreaterThan(150);
  const layers = new Set(fed.flatMap(({ dataset }) => /1_extract|2_transform/.exec(dataset) ?? []));
  expect([...layers].sort()).toEqual(['1_extract', '2_transform']);
  // All the way: the app, what it reads, what the writer of that reads, and so on to a database.
  const readBy = new Map(apps.map(({ appId, reads: own }) => [appId, own.map(text)]));
  const reaches = (appId: string, depth: number): boolean =>
    depth < 4 &&
    (readBy.get(appId) ?? []).some(
      (dataset) =>
        /^(?:sqlserver|postgres|snowflake|odbc):/.test(dataset) ||
        (written.get(dataset) !== undefined && reaches(written.get(dataset) ?? '', depth + 1)),
    );
  const chained = apps.filter(
    ({ appId, reads: own }) => own.some((d) => text(d).includes('2_transform')) && reaches(appId, 0),
  );
  expect(chained.length).toBeGreaterThan(40);
});

test('scripts say in all ways where their files and tables are', () => {
  const scripts = site.apps.map(({ id }) => site.content(id).script).join('\n');
  for (const way of [
    /FROM \[\$\(vIn1\)[^\]]+\] \(qvd\)/,
    /LET vOut = vRoot & '/,
    /\$\(Must_Include=\[lib:\/\/QVD[^\]]*\/scripts\/paths_[0-9a-f]{8}\.qvs\]\);/,
    /CALL LoadQvd \('/,
    /FOR EACH vTable IN '[^']+', '/,
    /CALL StoreTable \('/,
    /STORE [^;]+ FROM [^;]+ INTO \[[^\]]+\] \(qvd\);/,
    /\(parquet\);/,
    /SELECT\r\n {4}\w+ AS "/,
    /FROM dbo\.\w+/,
    /FROM "dbo"\."\w+"/,
    /SELECT t\.\w+/,
    /Upper\(Trim\(/,
  ])
    expect(scripts).toMatch(way);
});

test('some apps load another one whole, by its id, its file or its name', () => {
  const takers = apps.filter(({ takes }) => takes.length > 0);
  expect(takers.length).toBeGreaterThan(5);
  const scripts = takers.map(({ appId }) => site.content(appId).script);
  for (const script of scripts)
    expect(script.replace(/^\/\/\/\$tab [^\n]+\n/, '')).toMatch(/^binary [["][^\]"]+[\]"];\r\n/i);
  const paths = scripts.map((script) => /binary [["](?:.*\/)?([^\]"]+)/i.exec(script)?.[1] ?? '');
  expect(paths.some((path) => /^[\da-f-]{36}$/.test(path))).toBe(true);
  expect(paths.some((path) => /^[\da-f-]{36}\.qvf$/.test(path))).toBe(true);
  expect(paths.some((path) => !/^[\da-f-]{36}/.test(path))).toBe(true);
  for (const { fields, takes } of takers) {
    const origins = fields.flatMap(({ origins: own }) =>
      own.flatMap(({ app, column }) => (app === undefined ? [] : [{ app, column }])),
    );
    expect(origins.length).toBeGreaterThan(0);
    for (const { app, column } of origins) {
      expect(takes).toContain(app);
      // Of several apps of one name one was meant.
      if (takes.length === 1) expect(site.content(app).fields.map(({ name }) => name)).toContain(column);
    }
  }
});

test('every field of an app is told, and every column that is stored', () => {
  for (const { appId, fields, stores } of apps) {
    const content = site.content(appId);
    const own = content.fields.filter((one) => !(one.isSystem || one.isSemantic || one.tags.includes('$derived')));
    expect(fields.map(({ name }) => name).sort()).toEqual(own.map(({ name }) => name).sort());
    for (const { columns } of stores) {
      expect(columns.length).toBeGreaterThan(0);
      for (const { origins } of columns) expect(origins.length).toBeGreaterThan(0);
    }
    for (const { name, origins } of fields) {
      if (origins.length === 0) expect(['Year', 'Quarter', 'Month', 'YearMonth', 'Row Count']).toContain(name);
    }
  }
});

test('what one app reads of a QVD is what others store in it', () => {
  const stored = new Map<string, Set<string>>();
  for (const { stores } of apps)
    for (const { dataset, columns } of stores) stored.set(text(dataset), new Set(columns.map(({ name }) => name)));
  let compared = 0;
  for (const { fields } of apps)
    for (const { origins } of fields)
      for (const { dataset, column } of origins) {
        const columns = stored.get(text(dataset));
        if (columns === undefined) continue;
        compared += 1;
        expect(columns).toContain(column);
      }
  expect(compared).toBeGreaterThan(1_000);
});

test('included scripts set what the scripts use, and the engine knows the values', () => {
  const included = includedScripts(site);
  expect(included.size).toBeGreaterThan(3);
  for (const { id } of site.apps) {
    const { script, variables } = site.content(id);
    for (const [, path = ''] of script.matchAll(/\$\(Must_Include=\[([^\]]+)\]\)/g)) {
      const names = [...(included.get(path) ?? '').matchAll(/^(?:SET |LET )?(vIn\d|vOut)/gm)].map(([, name]) => name);
      expect(names.length).toBeGreaterThan(0);
      expect(variables.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    }
  }
});

test('places follow the data connection, and nothing else changes', () => {
  const moved = mutableSite(site);
  moved.moveConnection('QVD', 'e:\\new home\\', '2026-01-01T00:00:00.000Z');
  const before = JSON.stringify(apps);
  const after = JSON.stringify(lineageTruth(moved, HOST));
  expect(after).not.toBe(before);
  expect(after.replaceAll(`["${HOST}","e:","new home",`, '["fileserver","bi","qvd",')).toBe(before);
});

test('the engine lists only what the script touches', () => {
  for (const { id } of site.apps) {
    const { lineage, script, provenance } = site.content(id);
    const names = [...provenance.reads, ...provenance.stores.map(({ target }) => target)].flatMap((source) =>
      source.type === 'file' ? [source.names.at(-1) ?? source.library] : [],
    );
    for (const { discriminator } of lineage) {
      const file = /[^\\/[\]]+\.(?:qvd|xlsx?|csv|txt|parquet)(?=\b)/i.exec(discriminator)?.[0];
      if (file !== undefined) expect(names).toContain(file);
      if (discriminator.startsWith('RESIDENT ')) expect(script).toContain('RESIDENT');
    }
  }
});

test('nothing is told of apps that may not be opened, or whose script may not be seen', () => {
  const changed = mutableSite(site);
  const open = site.apps.filter((app) => isAdmitted(app, site.crawlUser));
  expect(apps).toHaveLength(open.length);
  const { lineage } = truth(changed);
  const hidden = open.find(({ id }) => site.content(id).provenance.stores.length > 0);
  if (hidden === undefined) throw new Error('no app stores anything');
  changed.changeApp(hidden.id, { scriptHidden: true });
  expect(lineageTruth(changed, HOST).some(({ appId }) => appId === hidden.id)).toBe(false);
  expect(truth(changed).lineage.storedColumns).toBeLessThan(lineage.storedColumns);
});
