import { expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { ScopeWriter } from '#agent/crawl/scope-writer.ts';
import { MAX_RECORD_BYTES, recordLine } from '#agent/spool/record-size.ts';
import { Fault } from '#protocol/errors.ts';
import type { StreamRecord } from '#protocol/records.ts';

const written = async (use: (out: ScopeWriter) => Promise<void>): Promise<readonly StreamRecord[]> => {
  const records: StreamRecord[] = [];
  await use(
    new ScopeWriter(
      new RecordGate({
        write: async (record) => {
          records.push(record);
        },
      }),
      'prod/a',
    ),
  );
  return records;
};

test('a name of megabytes does not make a record that no batch can hold', async () => {
  const name = 'x'.repeat(2 * 1024 * 1024);
  const records = await written(async (out) => {
    await out.open('app', name);
    await out.asset({ kind: 'app', key: 'prod/a', name });
    await out.listed('prod/a', name);
  });
  expect(records).toHaveLength(3);
  for (const record of records) expect(recordLine(record).length).toBeLessThan(MAX_RECORD_BYTES);
});

test('names and the messages of servers are redacted', async () => {
  const name = "Sum(x) & 'Password=canary-1;'";
  const records = await written(async (out) => {
    await out.open('app', name);
    await out.asset({ kind: 'chartMeasure', key: 'prod/a/o/m/1', name });
    await out.listed('prod/a', name);
    const error = new Fault('qlik.engine_failed', 'the engine answered: https://u:canary-2@host.example/');
    const { message, advice } = error;
    await out.outcome('failed', { error, missing: [{ what: 'script', code: error.code, message, advice }] });
  });
  expect(records).toHaveLength(4);
  expect(JSON.stringify(records)).not.toContain('canary');
});
