import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SiteLineage } from '#agent/crawl/lineage/site-lineage.ts';
import { SiteFiles } from '#agent/crawl/site-files.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { serverPath } from '#config/connection/server-path.ts';

const APP = { id: '0b1f5c5e-0000-4000-8000-000000000001', name: 'Sales' };

/** As the engine writes it: without semicolons. */
const LOG = [
  '      Execution started.',
  '0001 Orders:',
  '0002 LOAD id, amount',
  '0003 FROM [lib://QVD/orders.qvd] (qvd)',
  '      2 fields found: id, amount,',
  '0004 STORE Orders INTO [lib://QVD/copy.qvd] (qvd)',
  '      Execution finished.',
].map((line) => `20250304T050607.123+0100 ${line}`);

test('what the log of the last reload shows, too, is confirmed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-logs-'));
  try {
    writeFileSync(join(folder, `${APP.id}.20250304T050607.123+0100.log`), LOG.join('\r\n'));
    const from = serverPath('//fileserver/logs');
    if (from === undefined) throw new Error('no path');
    const connection = {
      ...{ code: 'prod', origin: 'https://qlik.example.com' },
      paths: { qvs: [], qvds: [], logs: [{ from, folder }] },
    } as unknown as Connection;
    const files = SiteFiles.of({
      connection,
      dataConnections: () => Promise.resolve({ rows: [], counted: 0, incomplete: undefined }),
    } as unknown as Site);
    await using process = new LineageProcess();
    const site = new SiteLineage({ process, withTexts: true }, connection, new Map(), files, undefined);
    const { lineage } = await site.of(APP, {
      script: `Orders:
        LOAD id, amount FROM [lib://QVD/orders.qvd] (qvd);
        LOAD note FROM [lib://QVD/notes.qvd] (qvd);`,
      model: { available: false } as Parameters<SiteLineage['of']>[1]['model'],
      lists: { dimensions: [], measures: [], variables: [], bookmarks: [] },
    });
    const confidence = lineage.tables.flatMap(({ fields }) =>
      fields.map(({ name, origins }) => [name, origins[0]?.confidence]),
    );
    expect(confidence).toEqual([
      ['id', 'confirmed'],
      ['amount', 'confirmed'],
      ['note', 'exact'],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
