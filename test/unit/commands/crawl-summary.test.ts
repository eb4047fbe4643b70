import { expect, test } from 'vitest';
import { SummarisedLines } from '#agent/commands/crawl-summary.ts';
import type { CrawlSummary } from '#agent/crawl/progress.ts';
import type { StreamRecord } from '#protocol/records.ts';

const summary = (more: Partial<CrawlSummary> = {}): CrawlSummary =>
  ({
    appsTotal: 40,
    appsDone: 40,
    appsSkipped: 0,
    records: 1_234,
    outcomes: { complete: 38, denied: 1, partial: 2 },
    assets: { app: 40, sheet: 173 },
    edges: { uses: 12 },
    durationMs: 3_700,
    ...more,
  }) as CrawlSummary;

const app = (index: number, sizeBytes: number): StreamRecord[] => [
  { t: 'scope', scope: `c/${index}`, kind: 'app', name: `App ${index}` },
  { t: 'asset', scope: `c/${index}`, key: `c/${index}`, kind: 'app', name: `App ${index}`, attributes: { sizeBytes } },
];

const report = async (records: readonly StreamRecord[]): Promise<string> => {
  const passed: StreamRecord[] = [];
  const lines = new SummarisedLines({ write: async (record) => void passed.push(record) });
  for (const record of records) await lines.write(record, '');
  expect(passed).toEqual(records);
  return lines.report('Production (prod)', summary());
};

test('says what came by kind, how it went, and which apps are the largest', async () => {
  const text = await report(Array.from({ length: 60 }, (_, index) => app(index, index * 1024 * 1024)).flat());
  expect(text).toContain('1234 records of 40 apps in 3.7 s');
  expect(text).toMatch(/sheet\s+173/);
  expect(text).toMatch(/denied\s+1/);
  expect(text.match(/MiB/g)).toHaveLength(10);
  expect(text).toMatch(/59\.0 MiB {2}App 59\n/);
  expect(text).toContain('Nothing is missing');
});

test('says what is missing once for all places, and what would give it', async () => {
  const missing = (sheet: string) => ({
    what: `sheet ${sheet}`,
    code: 'qlik.access_denied',
    message: 'The engine refused it',
    advice: 'Give the user a rule with resource filter App*.',
  });
  const end = (index: number, lacks: string[]): StreamRecord => ({
    t: 'outcome',
    scope: `c/${index}`,
    outcome: 'partial',
    records: 1,
    sha256: '0'.repeat(64),
    missing: [
      ...lacks.map(missing),
      { what: 'load script', code: 'qlik.script_not_visible', message: 'It is empty', advice: 'Allow it.' },
    ],
  });
  const text = await report([...app(1, 5), end(1, []), ...app(2, 5), end(2, [])]);
  expect(text).toContain('load script (in 2 places): It is empty [qlik.script_not_visible]');
  expect(text).toContain('What would give it: Allow it.');
});

test('names apps that were not read, and steers no terminal by their names', async () => {
  const denied: StreamRecord = {
    t: 'outcome',
    scope: 'c/1',
    outcome: 'denied',
    records: 1,
    sha256: '0'.repeat(64),
    error: { code: 'qlik.access_denied', message: 'no access', retryable: false, advice: '' },
  };
  const text = await report([{ t: 'scope', scope: 'c/1', kind: 'app', name: 'Bad \u001b[31mred' }, denied]);
  expect(text).toMatch(/Bad .*red: denied, no access \[qlik\.access_denied\]/);
  expect(text).not.toContain('\u001b');
});

test('says how well the scripts were understood, of what was written last of each app', async () => {
  const understood = (index: number, coverage: number | null, opaque: number, more: object = {}): StreamRecord[] => [
    { t: 'scope', scope: `c/${index}`, kind: 'app', name: `App ${index}` },
    {
      ...{ t: 'asset', scope: `c/${index}`, key: `c/${index}`, kind: 'app', name: `App ${index}` },
      attributes: {
        lineage: {
          coverage,
          statements: { total: 1_000, understood: 1_000 - opaque, opaque },
          diagnostics: [],
          diagnosticCount: 3,
          ...more,
        },
      },
    },
  ];
  // The first is begun again; the last has no script.
  const text = await report(
    [
      understood(1, 0, 900),
      understood(1, 1, 1),
      understood(2, 0.5, 0, { cut: 'time' }),
      understood(3, null, 0),
      app(4, 1),
    ].flat(),
  );
  expect(text).toContain(`
Lineage
  apps with a script    3
  fields explained      75 % on average of 2 apps
  apps under 80 %       1
  statements            3000, understood 2999 (99.9 %)
  statements not read   1
  diagnostics           9
  apps cut by a limit   1
`);
  expect(await report(app(1, 1))).not.toContain('Lineage');
});
