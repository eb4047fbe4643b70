import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { drawSheet } from '#agent/crawl/pictures/sheet-picture.ts';
import { libraryOf, planSheet } from '#agent/crawl/pictures/sheet-plan.ts';
import { PICTURE_CHARS, type StreamRecord } from '#protocol/records.ts';
import { anyText } from '../any-text.ts';
import { cell, chart, cube, draw, heightOf, NO_LIBRARY, placesOf, sheet } from './sheets.ts';
import { checkXml, textsOf } from './xml.ts';

const TYPES = [
  ['barchart', 'Bar chart'],
  ['linechart', 'Line chart'],
  ['piechart', 'Pie chart'],
  ['table', 'Table'],
  ['sn-pivot-table', 'Pivot table'],
  ['kpi', 'KPI'],
  ['map', 'Map'],
  ['gauge', 'Gauge'],
  ['treemap', 'Treemap'],
  ['boxplot', 'Box plot'],
  ['scatterplot', 'Scatter plot'],
  ['combochart', 'Combo chart'],
  ['waterfallchart', 'Waterfall chart'],
  ['qlik-variable-input', 'Variable input'],
  ['acme-sankey', 'acme-sankey'],
] as const;

describe('a sheet', () => {
  test('has every chart in its place, with type, title, dimensions and measures', () => {
    const svg = draw(
      sheet(
        [cell('a', 0, 0, 12, 6), cell('b', 12, 6, 12, 6)],
        [
          chart('a', 'barchart', { title: 'Sales', ...cube(['Region'], ['Sum(Sales)']) }),
          chart('b', 'piechart', { title: 'Share', ...cube(['Product'], ['Count(Order)']) }),
        ],
      ),
    );
    checkXml(svg);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining(['A sheet', 'Sales', 'Bar chart', 'Sum(Sales)', 'by Region', 'Share', 'Pie chart']),
    );
    expect(placesOf(svg)).toEqual([
      { x: 15, y: 59, width: 462, height: 254 },
      { x: 483, y: 319, width: 462, height: 254 },
    ]);
  });

  test.each(TYPES)('draws a %s as %s, and no other type like it', (type, name) => {
    const entry = sheet([cell('a', 0, 0, 12, 12)], [chart('a', type, { title: 'Any' })]);
    expect(textsOf(draw(entry))).toContain(name);
    for (const [other] of TYPES.filter(([one]) => one !== type))
      expect(draw(sheet([cell('a', 0, 0, 12, 12)], [chart('a', other, { title: 'Any' })]))).not.toBe(draw(entry));
  });

  test('of the same properties is the same picture', () => {
    const entry = sheet([cell('a', 0, 0, 12, 6)], [chart('a', 'barchart', cube(['A'], ['Sum(B)']))]);
    expect(draw(structuredClone(entry))).toBe(draw(entry));
  });

  test('takes what a chart lacks from the master visualization that it extends, and names of library items', () => {
    const library = libraryOf(
      [{ qInfo: { qId: 'd1', qType: 'dimension' }, qMeta: { title: 'Country of sale' } }],
      [],
      [
        {
          entry: { qInfo: { qId: 'm1', qType: 'masterobject' }, qMeta: { title: 'Sales by country' } },
          properties: {
            visualization: 'linechart',
            title: '',
            qHyperCubeDef: { qDimensions: [{ qLibraryId: 'd1', qDef: { qFieldDefs: [] } }], qMeasures: [] },
          },
        },
      ],
    );
    const entry = sheet(
      [cell('a', 0, 0, 12, 6)],
      [{ qProperty: { qInfo: { qId: 'a', qType: 'barchart' }, qExtendsId: 'm1', title: '' } }],
    );
    const texts = textsOf(drawSheet(planSheet('Sheet', entry, library)));
    expect(texts).toEqual(expect.arrayContaining(['Sales by country', 'Line chart', 'Country of sale']));
  });

  test('shows tabs of a container with what is behind them, and list boxes of a filter pane', () => {
    const svg = draw(
      sheet(
        [cell('c', 0, 0, 12, 12), cell('f', 12, 0, 12, 12)],
        [
          chart('c', 'container', { title: 'Details', children: [{ label: 'One' }, { label: 'Two' }] }, [
            chart('c1', 'piechart', { title: 'First' }),
            chart('c2', 'table', { title: 'Second' }),
          ]),
          chart('f', 'filterpane', {}, [chart('l', 'listbox', { qListObjectDef: { qDef: { qFieldDefs: ['Year'] } } })]),
        ],
      ),
    );
    checkXml(svg);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining(['Details', 'One', 'Two', 'First', 'Second', 'Filter pane', 'Year']),
    );
  });

  test('that is extended is as long as its grid; a finer grid is no longer', () => {
    const kids = [chart('a', 'kpi'), chart('b', 'kpi')];
    const plain = heightOf(draw(sheet([cell('a', 0, 0, 12, 6)], kids.slice(0, 1))));
    const long = heightOf(draw(sheet([cell('a', 0, 0, 12, 6), cell('b', 0, 18, 12, 6)], kids)));
    const fine = heightOf(draw(sheet([cell('a', 0, 0, 24, 12)], kids.slice(0, 1), { columns: 48, rows: 24 })));
    expect(long).toBe(plain + 520);
    expect(fine).toBe(plain);
    const endless = heightOf(draw(sheet([cell('a', 0, 0, 12, 6), cell('b', 0, 3_000, 12, 6)], kids)));
    expect(endless).toBeLessThan(4_000);
  });

  test('whose cells have bounds only is placed by them', () => {
    const bounds = { x: 50, y: 0, width: 50, height: 100 };
    const svg = draw(sheet([{ name: 'a', type: 'kpi', bounds }], [chart('a', 'kpi')]));
    expect(placesOf(svg)).toEqual([{ x: 483, y: 59, width: 462, height: 514 }]);
  });

  test('without any cells shows its objects side by side', () => {
    const svg = draw({
      qProperty: { qInfo: { qId: 's', qType: 'sheet' } },
      qChildren: ['kpi', 'table', 'map', 'gauge', 'piechart'].map((type, i) => chart(String(i), type)),
    });
    const places = placesOf(svg);
    expect(places).toHaveLength(5);
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(5);
  });

  test('without objects says that it is empty', () => {
    expect(textsOf(draw({ qProperty: {} }))).toContain('This sheet is empty');
  });

  test('with objects one upon the other shows that there are several', () => {
    const svg = draw(
      sheet(
        [cell('a', 0, 0, 12, 6), cell('b', 0, 0, 12, 6), cell('c', 6, 3, 12, 6)],
        ['a', 'b', 'c'].map((id) => chart(id, 'kpi', { title: id })),
      ),
    );
    const [a, b] = placesOf(svg);
    expect(b?.x).toBeGreaterThan(a?.x ?? 0);
    expect(svg.match(/class="c o"/g)).toHaveLength(2);
  });

  test('that names an object which is not there says so; one without a place is counted', () => {
    const texts = textsOf(draw(sheet([cell('gone', 0, 0, 12, 6)], [chart('lost', 'kpi')])));
    expect(texts).toEqual(expect.arrayContaining(['Bar chart', 'not found', '1 object has no place on the grid']));
  });

  test('with 5,000 objects shows the first hundred and how many more there are', () => {
    const count = 5_000;
    const ids = Array.from({ length: count }, (_, index) => `o${index}`);
    const svg = draw(
      sheet(
        ids.map((id, index) => cell(id, (index * 6) % 24, Math.floor(index / 4) * 3, 6, 3)),
        ids.map((id) => chart(id, 'table', { title: id.repeat(50), ...cube(['A', 'B', 'C'], ['Sum(D)', 'Sum(E)']) })),
      ),
    );
    checkXml(svg);
    expect(placesOf(svg)).toHaveLength(100);
    expect(textsOf(svg)).toContain('4,900 more objects are not drawn');
    expect(svg.length * 1.4).toBeLessThan(PICTURE_CHARS);
  });
});

describe('texts of strangers', () => {
  test('are escaped, cut, in one line and well-formed, whatever they are', () => {
    const evil = '</text><script>alert(1)</script><image href="http://x/"/>&amp;\u0000\ud800\r\n\u202e]]>"\'';
    const svg = draw(
      sheet([cell('a', 0, 0, 24, 12)], [chart('a', evil, { title: evil, ...cube([evil], [evil]) })]),
      evil,
    );
    checkXml(svg);
    const tags = new Set([...svg.matchAll(/<([A-Za-z]+)/g)].map(([, tag]) => tag));
    expect(
      [...tags].filter((tag) => !['svg', 'title', 'style', 'rect', 'g', 'text', 'path', 'circle'].includes(tag ?? '')),
    ).toEqual([]);
    const markup = svg.replace(/>[^<>]+</g, '><');
    expect(markup).not.toMatch(/href|\son\w+=|javascript:|url\(|@import/i);
  });

  test('of 100,000 characters make a picture of the usual size', () => {
    const long = 'Ä'.repeat(100_000);
    const svg = draw(
      sheet([cell('a', 0, 0, 24, 12)], [chart('a', long, { title: long, ...cube([long], [long]) })]),
      long,
    );
    checkXml(svg);
    expect(svg.length).toBeLessThan(12_000);
  });

  test('that are read from the right begin at the right', () => {
    const svg = draw(sheet([cell('a', 0, 0, 12, 6)], [chart('a', 'kpi', { title: 'الإيرادات' })]), 'מכירות');
    expect(svg).toMatch(/<text class="h" x="945" y="36" direction="rtl">מכירות</);
    expect(svg).toMatch(/direction="rtl">الإيرادات</);
  });

  test('lose their secrets before they are drawn', () => {
    const svg = draw(
      sheet(
        [cell('a', 0, 0, 24, 12)],
        [chart('a', 'kpi', { title: 'password=canary-4711', ...cube([], ["'Bearer canary-abcdef'"]) })],
      ),
      'https://user:canary-pw@host/',
    );
    checkXml(svg);
    expect(svg).not.toContain('canary');
    expect(svg).toContain('[redacted]');
  });

  test('leave the gate as a picture that is still well-formed', async () => {
    const svg = draw(sheet([cell('a', 0, 0, 24, 12)], [chart('a', 'kpi', { title: 'pwd: ' })]), 'password=');
    const spoiled = svg.replace('pwd:', 'pwd=canary-1 &amp; x');
    const sent: StreamRecord[] = [];
    const gate = new RecordGate({ write: async (record) => void sent.push(record) });
    for (const content of [svg, spoiled])
      await gate.write({
        t: 'picture',
        scope: 'c/a',
        key: 'c/a/s',
        source: 'layout',
        mediaType: 'image/svg+xml',
        content: Buffer.from(content).toString('base64'),
      });
    const [same = '', clean = ''] = sent.map((one) =>
      one.t === 'picture' ? Buffer.from(one.content, 'base64').toString() : '',
    );
    expect(same).toBe(svg);
    checkXml(clean);
    expect(clean).not.toContain('canary');
  });

  test('and properties of any shape never break it', () => {
    const anything = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), anything, anyText(), (cells, value, text) => {
        const properties = { title: value, children: value, objects: value, qHyperCubeDef: value, style: value };
        const entry = sheet(
          [...cells, cell(text, 0, 0, 4, 4), { ...cell('b', 1, 1, 1, 1), bounds: value }],
          [
            chart(text, text, { ...properties, title: text, ...cube([text], [text]) }),
            chart('b', 'container', properties, [chart('k', text, properties)]),
          ],
          { columns: value, rows: value, customRowBase: value },
        );
        checkXml(drawSheet(planSheet(text, entry, NO_LIBRARY)));
      }),
      { numRuns: 15 },
    );
  });
});

describe('real values', () => {
  const numbered = (count: number, measure: (index: number) => number) => ({
    names: ['Item', 'Sum'],
    dimensions: 1,
    total: 1_234,
    rows: Array.from({ length: count }, (_, i) => [
      { text: `Item ${i}`, number: undefined },
      { text: measure(i).toFixed(0), number: measure(i) },
    ]),
  });

  test.each(['barchart', 'linechart', 'piechart', 'scatterplot', 'table', 'combochart', 'treemap'])(
    'are drawn into a %s',
    (type) => {
      const entry = sheet([cell('a', 0, 0, 12, 8)], [chart('a', type, cube(['Item'], ['Sum(A)']))]);
      const one = draw(entry, 'S', new Map([['a', numbered(6, (i) => 10 * i - 20)]]));
      const other = draw(entry, 'S', new Map([['a', numbered(6, (i) => 100 - i)]]));
      checkXml(one);
      expect(one).not.toBe(other);
      expect(one).not.toContain('NaN');
    },
  );

  test('of a table are its first rows, and how many more there are', () => {
    const entry = sheet([cell('a', 0, 0, 24, 8)], [chart('a', 'table', cube(['Item'], ['Sum(A)']))]);
    const texts = textsOf(draw(entry, 'S', new Map([['a', numbered(4, (i) => i * 7)]])));
    expect(texts).toEqual(expect.arrayContaining(['Item', 'Item 0', '21', 'and 1,230 more']));
  });

  test('that a chart has not are said to be missing, and not drawn as if there were some', () => {
    const entry = sheet([cell('a', 0, 0, 12, 8)], [chart('a', 'barchart', cube(['Item'], ['Sum(A)']))]);
    const svg = draw(entry, 'S', new Map());
    expect(textsOf(svg)).toContain('No values');
    expect(svg.match(/class="m"/g)?.length ?? 0).toBeLessThan(draw(entry).match(/class="m"/g)?.length ?? 0);
  });

  test('of a KPI are large', () => {
    const entry = sheet([cell('a', 0, 0, 8, 4)], [chart('a', 'kpi', cube([], ['Sum(A)']))]);
    const values = { names: ['Sum'], dimensions: 0, total: 1, rows: [[{ text: '4.2M', number: 4_200_000 }]] };
    expect(textsOf(draw(entry, 'S', new Map([['a', values]])))).toContain('4.2M');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -5])('of %s are drawn soundly', (number) => {
    const entry = sheet([cell('a', 0, 0, 8, 6)], [chart('a', 'barchart', cube(['B'], ['Sum(A)']))]);
    for (const rows of [
      [],
      [
        [
          { text: 'x', number: undefined },
          { text: '-', number },
        ],
      ],
    ]) {
      const svg = draw(entry, 'S', new Map([['a', { names: [], dimensions: 1, total: rows.length, rows }]]));
      checkXml(svg);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});
