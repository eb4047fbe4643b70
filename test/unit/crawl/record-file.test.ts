import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RecordFile } from '#agent/commands/record-file.ts';

test.skipIf(process.platform === 'win32')(
  'a file that others could read is closed to them before records go in',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-records-'));
    try {
      const path = join(folder, 'records.ndjson');
      writeFileSync(path, '', { mode: 0o644 });
      await using file = new RecordFile(path);
      const record = { t: 'scope', scope: 'prod', kind: 'site', name: 'Prod' } as const;
      await file.write(record, `${JSON.stringify(record)}\n`);
      await file.close();
      expect(statSync(path).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
