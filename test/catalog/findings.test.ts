import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AssetRecord, EdgeRecord } from '#protocol/records.ts';
import { asset, scopeRecords } from './agent.ts';
import { type Attributes, ago, ann, inApp, sited, user, uses, well } from './judged.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const place = () => sited(world);

test('an app that is well has none', async () => {
  const { crawl } = await place();
  expect(await crawl({ a: { body: [inApp('a', 's', 'sheet', 'Sheet', { owner: ann })] } })).toEqual([]);
});

describe('master items that nobody uses', () => {
  const items = [
    inApp('a', 'm1', 'masterMeasure', 'Sales', { expression: 'Sum(Sales)' }),
    inApp('a', 'd1', 'masterDimension', 'Region'),
    inApp('a', 'v1', 'masterVisualization', 'Chart'),
    inApp('a', 'c/m/0', 'chartMeasure', 'x'),
  ];

  test('appear, and go when something uses them', async () => {
    const { crawl, told } = await place();
    await crawl({ a: { body: items } });
    expect(await told()).toEqual(['d1', 'm1', 'v1'].map((id) => `master_item.unused prod/a/${id}`));
    const [found] = await crawl({
      a: { body: [...items, uses('prod/a', 'c/m/0', 'm1'), uses('prod/a', 'c/m/0', 'v1')] },
    });
    expect(await told()).toEqual(['master_item.unused prod/a/d1']);
    expect(found).toMatchObject({
      severity: 'note',
      kind: 'masterDimension',
      app: 'prod/a',
      appName: 'scope prod/a',
      message: 'The master dimension “Region” is used by no chart and no other master item that the crawl can see.',
    });
  });

  test('are not looked for in an app that was read in part, and those that were found stay', async () => {
    const { crawl, told } = await place();
    await crawl({ a: { body: items.slice(0, 1), outcome: { outcome: 'partial' } } });
    expect(await told()).toEqual([]);
    await crawl({ a: { body: items.slice(0, 1) } });
    await crawl({ a: { body: items, outcome: { outcome: 'partial' } } });
    expect(await told()).toEqual(['master_item.unused prod/a/m1']);
  });
});

describe('fields that the app does not have', () => {
  const named = (attributes: Attributes) => inApp('a', 'c/m/0', 'chartMeasure', 'Sum of Salse', attributes);

  test('appear, change and go', async () => {
    const { crawl } = await place();
    const [first] = await crawl({ a: { body: [named({ missingFields: ['Salse'] })] } });
    expect(first).toMatchObject({
      code: 'field.missing',
      severity: 'warning',
      key: 'prod/a/c/m/0',
      facts: { count: 1, fields: ['Salse'] },
      message: 'The chart measure “Sum of Salse” names a field that the app does not have: “Salse”.',
    });
    const [second] = await crawl({ a: { body: [named({ missingFields: ['Salse', 'Yaer'] })] } });
    expect(second?.message).toMatch(/names fields that the app does not have: “Salse” and “Yaer”\.$/);
    expect(second?.firstSeenAt).toEqual(first?.firstSeenAt);
    expect(await crawl({ a: { body: [named({})] } })).toEqual([]);
  });

  test('count only where all of the expression is understood, and no master dimension has the name', async () => {
    const { crawl, told } = await place();
    const items = [
      inApp('a', 'd1', 'masterDimension', 'Region'),
      inApp('a', 'v', 'variable', 'v', { missingFields: ['Region'] }),
    ];
    await crawl({ a: { body: [named({ missingFields: ['Salse'], unresolved: true }), ...items] } });
    expect(await told()).toEqual([]);
  });
});

describe('reloads', () => {
  const task = (attributes: Attributes): AssetRecord =>
    asset('prod', 'prod/reloadTask/t', 'reloadTask', 'Nightly', 'prod', {
      app: 'prod/a',
      enabled: true,
      ...attributes,
    });
  const daily = { kind: 'schedule', enabled: true, every: 'daily', interval: '1 day', starts: ago(100) };

  test('an app that was never reloaded', async () => {
    const { crawl } = await place();
    const [found] = await crawl({ a: { attributes: { owner: ann } } });
    expect(found).toMatchObject({
      code: 'reload.never',
      key: 'prod/a',
      message: 'The app “App a” was never reloaded: it has no data.',
    });
    expect(await crawl({ a: {} })).toEqual([]);
  });

  test('an app whose task failed, until it was reloaded since', async () => {
    const { crawl } = await place();
    const failed = task({ lastStatus: 'finishedFail', lastStopped: ago(0.05), lastMessage: 'The table was not found' });
    const [found] = await crawl({ a: {} }, [failed]);
    expect(found).toMatchObject({
      code: 'reload.failed',
      severity: 'error',
      key: 'prod/a',
      message: 'The app “App a” has old data: its task “Nightly” failed.',
      facts: { tasks: [{ key: 'prod/reloadTask/t', status: 'finishedFail', message: 'The table was not found' }] },
    });
    expect(await crawl({ a: { attributes: { ...well, lastReload: ago(0.01) } } }, [failed])).toEqual([]);
    expect(await crawl({ a: {} }, [task({ enabled: false, lastStatus: 'finishedFail' })])).toEqual([]);
  });

  test('an app whose data is older than its schedule promises', async () => {
    const { crawl } = await place();
    const old = { a: { attributes: { ...well, lastReload: ago(5) } } };
    const [found] = await crawl(old, [task({ triggers: [daily] })]);
    expect(found).toMatchObject({
      code: 'reload.overdue',
      message: `The app “App a” was last reloaded on ${ago(5).slice(0, 10)}, but its task “Nightly” should do so every day.`,
    });
    // Weekends may be left out, the trigger may be off, or its time not have come.
    for (const trigger of [
      { ...daily, filter: ['* * 1-5'] },
      { ...daily, enabled: false },
      { ...daily, starts: ago(-1) },
      { ...daily, every: 'once' },
    ])
      expect(await crawl(old, [task({ triggers: [trigger] })])).toEqual([]);
  });

  test('a schedule that is none ends no crawl', async () => {
    const { crawl } = await place();
    const odd = [
      { ...daily, interval: '99999999999 weeks 9999 week 9999 days' },
      7,
      { kind: 'schedule', enabled: true, starts: 'x', ends: {} },
    ];
    expect(await crawl({ a: { attributes: { ...well, lastReload: 'soon' } } }, [task({ triggers: odd })])).toEqual([]);
  });
});

describe('owners', () => {
  const sheet = (attributes: Attributes) => ({ a: { body: [inApp('a', 's', 'sheet', 'Sheet', attributes)] } });

  test('none, one who left, one who is nowhere', async () => {
    const { crawl } = await place();
    expect(await crawl(sheet({}))).toMatchObject([
      { code: 'owner.none', key: 'prod/a/s', message: 'The sheet “Sheet” has no owner.' },
    ]);
    const bob = { id: 'u2', name: 'Bob', account: 'ACME\\bob' };
    expect(await crawl(sheet({ owner: bob }))).toMatchObject([
      { code: 'owner.unknown', severity: 'note', facts: { owner: { name: 'Bob' } } },
    ]);
    expect(await crawl(sheet({ owner: bob }), [user('u2', { removedExternally: true })])).toMatchObject([
      {
        code: 'owner.inactive',
        facts: { why: 'removedExternally', user: 'prod/user/u2' },
        message:
          'The sheet “Sheet” has an owner who cannot log in: its owner, “Bob” (ACME\\bob), was removed from its user directory.',
      },
    ]);
    expect(await crawl(sheet({ owner: bob }), [user('u2')])).toEqual([]);
  });

  test('nobody is missed where not all users were listed', async () => {
    const { crawl, told } = await place();
    await crawl(sheet({ owner: { id: 'u9', name: 'Eve' } }), [], { outcome: 'partial' });
    expect(await told()).toEqual([]);
  });

  test('one who leaves is seen though no app changed', async () => {
    const { crawl, session, told, organisationId } = await place();
    await crawl(sheet({ owner: ann }));
    expect(await told()).toEqual([]);
    const { stream } = await world.crawl({ organisationId, session }, 'prod');
    await stream.publish(
      scopeRecords(
        'prod',
        'site',
        [{ t: 'listed', scope: 'prod', key: 'prod/a', name: 'a' }, user('u1', { inactive: true })],
        { outcome: 'updated' },
      ),
    );
    await stream.publish(scopeRecords('prod/a', 'app', [], { outcome: 'unchanged' }));
    await stream.finish();
    expect(await told()).toEqual(['owner.inactive prod/a', 'owner.inactive prod/a/s']);
  });
});

test('credentials: the line and the kind, never the value; gone when they are gone', async () => {
  const { crawl, find } = await place();
  const section = (attributes: Attributes) => [
    inApp('a', 'script/Main', 'scriptSection', 'Main', { text: 'LIB [redacted]', line: 11, ...attributes }),
  ];
  const [found] = await crawl({
    a: { body: section({ credentials: [{ line: 3, kind: 'password', value: 'canary' }] }) },
  });
  expect(found).toMatchObject({
    code: 'credential.in_clear',
    severity: 'error',
    key: 'prod/a/script/Main',
    message: 'The script section “Main” holds a password in line 13. Everybody who may read the script can see it.',
  });
  expect(JSON.stringify(await find())).not.toContain('canary');
  expect(await crawl({ a: { body: section({}) } })).toEqual([]);
});

describe('one name, two formulas', () => {
  const measure = (of: string, expression: string, kind: AssetRecord['kind'] = 'masterMeasure') =>
    inApp(of, kind === 'masterMeasure' ? 'mm' : 'c/m/0', kind, kind === 'masterMeasure' ? 'Revenue' : 'x', {
      expression,
      label: 'Revenue',
    });
  const used = (of: string): EdgeRecord => uses(`prod/${of}`, 'x', 'mm');

  test('across apps, with where each stands; blanks and comments do not count', async () => {
    const { crawl, find } = await place();
    const a = { body: [measure('a', 'Sum( [Net Sales] ) // net'), used('a')] };
    expect(
      await crawl({ a, b: { body: [measure('b', "=Sum([Net Sales])/* as\n * 'a' */", 'chartMeasure')] } }),
    ).toEqual([]);
    const [found, ...others] = await crawl({
      a,
      b: { body: [measure('b', 'Sum([Net  Sales])', 'chartMeasure')] },
      c: {},
    });
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      code: 'measure.two_formulas',
      key: 'prod',
      app: null,
      message: 'The measure “Revenue” is calculated in 2 different ways in 2 apps.',
      facts: { name: 'Revenue', count: 2, apps: 2 },
      isNew: true,
    });
    const formulas = found?.facts['formulas'] as { formula: string; uses: { key: string; app: string }[] }[];
    expect(formulas.map(({ formula, uses: [one] }) => `${formula} ${one?.key} ${one?.app}`).sort()).toEqual([
      'Sum( [Net Sales] ) // net prod/a/mm prod/a',
      'Sum([Net  Sales]) prod/b/c/m/0 prod/b',
    ]);
    expect((await find({ app: 'prod/b' })).length).toBe(1);
    expect(await find({ app: 'prod/c' })).toEqual([]);
    // Gone with the app that differed.
    expect(await crawl({ a })).toEqual([]);
  });

  test('columns that show a master measure, and labels that are calculated, are none', async () => {
    const { crawl } = await place();
    const other = (attributes: Attributes) =>
      inApp('a', 'c/m/1', 'chartMeasure', 'Revenue', { label: 'Revenue', expression: 'Avg(x)', ...attributes });
    const body = [measure('a', 'Sum(x)'), used('a')];
    expect(await crawl({ a: { body: [...body, other({ libraryId: 'mm' })] } })).toEqual([]);
    expect(await crawl({ a: { body: [...body, other({ labelIsExpression: true })] } })).toEqual([]);
    expect((await crawl({ a: { body: [...body, other({})] } })).length).toBe(1);
  });

  test('a name that is a hundred thousand characters long, and quotes without an end', async () => {
    const { crawl } = await place();
    const hostile = ['[a '.repeat(3_000), '/* '.repeat(3_000), "'"].map((expression, index) =>
      inApp('a', `c/m/${index}`, 'chartMeasure', 'x', { expression, label: 'n'.repeat(100_000) }),
    );
    const [found] = await crawl({ a: { body: hostile } });
    expect(found?.facts).toMatchObject({ count: 3, name: 'n'.repeat(300) });
  });
});
