import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { MAX_RECORD_BYTES } from '#agent/spool/record-size.ts';
import type { DraftRecord } from '#agent/spool/sink.ts';
import { Secret } from '#config/secret.ts';
import { CHECK_LIMITS } from '#protocol/checks.ts';
import { Fault } from '#protocol/errors.ts';
import { StreamRecord } from '#protocol/records.ts';

const VALUE = 'canary-gate-value "1"';
new Secret(VALUE);

const through = async (...records: readonly DraftRecord[]): Promise<{ records: StreamRecord[]; lines: string[] }> => {
  const out: StreamRecord[] = [];
  const lines: string[] = [];
  const gate = new RecordGate({
    write: async (record, line) => {
      out.push(record);
      lines.push(line);
    },
  });
  for (const record of records) await gate.write(record);
  return { records: out, lines };
};

const error = new Fault('qlik.engine_failed', `the engine said ${VALUE}`, { advice: `try ${VALUE}` }).toJSON();
/** One of each kind of record, with a secret value in every text that a site or a server may choose. */
const EVERY: readonly DraftRecord[] = [
  { t: 'scope', scope: 'p/a', kind: 'app', name: VALUE },
  {
    t: 'asset',
    scope: 'p/a',
    key: `p/a/${VALUE}`,
    kind: 'chart',
    name: `x ${VALUE}`,
    parent: `p/${VALUE}`,
    attributes: { text: VALUE, [`${VALUE}`]: [{ deep: encodeURIComponent(VALUE) }], pwd: 'PWD=canary-form;' },
  },
  { t: 'edge', scope: 'p/a', kind: 'uses', from: `p/${VALUE}`, to: `p/a/${VALUE}`, attributes: { x: VALUE } },
  { t: 'listed', scope: 'p/a', key: `p/${VALUE}`, name: VALUE },
  {
    t: 'outcome',
    scope: 'p/a',
    outcome: 'failed',
    error,
    missing: [{ what: 'x', code: 'x', message: VALUE, advice: VALUE }],
    reason: { code: 'x', message: VALUE },
  },
  { t: 'test' },
  {
    t: 'check',
    target: 'connection',
    check: 'tls',
    status: 'fail',
    code: 'x',
    seen: `${VALUE}${'y'.repeat(CHECK_LIMITS.text - 10)}`,
    advice: VALUE,
    details: [VALUE, `Authorization: Basic ${Buffer.from(`u:${VALUE}`).toString('base64')}`],
    durationMs: 1,
  },
  { t: 'settings', title: VALUE, mends: true, fields: [{ name: VALUE, value: VALUE }] },
  { t: 'gone', scope: 'p/a', key: `p/a/${VALUE}` },
  {
    t: 'picture',
    scope: 'p/a',
    key: `p/a/${VALUE}`,
    source: 'layout',
    mediaType: 'image/svg+xml',
    content: Buffer.from(`<svg><text>${VALUE}</text></svg>`).toString('base64'),
  },
  { t: 'inventory', rules: [`exclude app "${VALUE}"`] },
  { t: 'item', kind: 'app', key: `p/${VALUE}`, name: VALUE, within: VALUE, kept: false, rule: VALUE },
];

test('no record of any kind takes a secret through, and each is still what the catalog reads', async () => {
  const { records, lines } = await through(...EVERY);
  expect(new Set(EVERY.map(({ t }) => t))).toEqual(new Set(StreamRecord.options.map(({ shape }) => shape.t.value)));
  expect(lines.filter((line) => /canary|Y2FuYXJ5|Fuhcn/.test(line))).toEqual([]);
  for (const [index, record] of records.entries()) {
    expect(StreamRecord.parse(record)).toEqual(record);
    expect(JSON.parse(lines[index] ?? '')).toEqual(record);
  }
});

test('the outcome counts and hashes what left, whatever the handler says of what it read', async () => {
  const lie = { records: 77, sha256: '0'.repeat(64) };
  const { records, lines } = await through(
    EVERY[0] as DraftRecord,
    EVERY[1] as DraftRecord,
    EVERY[0] as DraftRecord,
    ...EVERY.slice(1, 4),
    { t: 'listed', scope: 'p/other', key: 'p/x', name: 'of another scope' },
    { t: 'outcome', scope: 'p/a', outcome: 'complete', ...lie },
    { t: 'outcome', scope: 'p/a', outcome: 'gone' },
  );
  const hash = createHash('sha256').update(lines.slice(3, 6).join('')).digest('hex');
  expect(records.at(-2)).toMatchObject({ t: 'outcome', records: 3, sha256: hash });
  expect(records.at(-1)).toMatchObject({ t: 'outcome', records: 0, sha256: createHash('sha256').digest('hex') });
});

test("a value that happens to be the connection's code stays where the catalog compares it", async () => {
  new Secret('canary-code');
  const { records } = await through({ t: 'listed', scope: 'canary-code', key: 'canary-code/canary-code', name: 'x' });
  expect(records[0]).toMatchObject({ scope: 'canary-code', key: 'canary-code/[redacted]' });
});

test('a record that redaction made longer still fits into a batch', async () => {
  new Secret('canary');
  const text = 'canary'.repeat((MAX_RECORD_BYTES - 1_000) / 6);
  const { lines } = await through({
    t: 'asset',
    scope: 'p',
    key: 'p/x',
    kind: 'script',
    name: 'x',
    attributes: { text },
  });
  expect(Buffer.byteLength(lines[0] ?? '')).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  expect(lines[0]).not.toContain('canary');
});
