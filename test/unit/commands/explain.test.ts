import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ExplainOptions, explain } from '#agent/commands/explain.ts';
import { CHECKPOINT_FOLDER, saveCheckpoint } from '#agent/crawl/delta/checkpoint.ts';
import { APP_ID, checkpoint, knownApp, print } from '../crawl/delta/rows.ts';

const OTHER_ID = '3b1a2c5e-0000-4000-8000-000000000002';

let folder: string;
let config: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-explain-'));
  config = join(folder, 'culvert.conf');
  await writeFile(config, 'state = "kept"\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keep = (...all: Parameters<typeof checkpoint>[]): Promise<unknown> =>
  Promise.all(all.map((one) => saveCheckpoint(join(folder, 'kept', CHECKPOINT_FOLDER), checkpoint(...one))));

const explained = async (wanted: string, more: Partial<ExplainOptions> = {}): Promise<string> => {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await explain(wanted, { config, ...more });
  } finally {
    write.mockRestore();
  }
  return text;
};

describe('culvert explain', () => {
  test('says why an app was read, what changed and what it is watched by', async () => {
    const reason = { code: 'modified', message: 'Modified 2026-02-01T00:00:00.000Z (before: never).' };
    const before = { ...print, modified: null, objects: `11:${'b'.repeat(24)}` };
    await keep(['prod', [[APP_ID, knownApp({ reason, readFor: reason, before })]]]);
    const text = await explained(APP_ID.toUpperCase());
    expect(text.split('\n')).toEqual([
      `Sales (${APP_ID})`,
      '',
      'Last crawl of prod, 2026-02-03T00:00:00.000Z: modified',
      '  Modified 2026-02-01T00:00:00.000Z (before: never).',
      'Read last on 2026-02-02T00:00:00.000Z: complete, modified',
      '  Modified 2026-02-01T00:00:00.000Z (before: never).',
      'It is read again when one of these changes:',
      '  modified    2026-02-01T00:00:00.000Z',
      '    before    none',
      '  reloaded    2026-01-31T00:00:00.000Z',
      '  published   2026-01-02T00:00:00.000Z',
      '  objects     12',
      '    before    11',
      '  owner       Ann, CORP\\ann, ann@corp.example',
      '  stream      Finance',
      '  properties  d1d1d1d1d1d1d1d1',
      '',
      '',
    ]);
  });

  test('keeps to 80 columns whatever names and reasons say, and writes no control character', async () => {
    const long = `\u001b[31mA\n${'very long name '.repeat(30)}${'x'.repeat(300)}`;
    const reason = { code: 'properties', message: 'word '.repeat(80).trim() };
    const fingerprint = { ...print, stream: long, owner: long };
    const again = { name: long, reason, readFor: reason, again: true, fingerprint };
    await keep(['prod', [[APP_ID, knownApp(again)]]]);
    const lines = (await explained(APP_ID)).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join('')).not.toContain('\u001b');
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('may have passed: the next crawl reads it');
  });

  test('writes the same as JSON', async () => {
    const app = knownApp();
    await keep(['prod', [[APP_ID, app]]]);
    expect(JSON.parse(await explained('sales', { json: true }))).toEqual({
      apps: [{ connection: 'prod', crawledAt: '2026-02-03T00:00:00.000Z', id: APP_ID, app }],
      rejected: [],
    });
  });

  test('explains all apps of a name that several have, of one connection when it is named', async () => {
    const second = knownApp({ name: 'SALES', fingerprint: { ...print, stream: 'Draft' } });
    await keep(
      [
        'prod',
        [
          [APP_ID, knownApp()],
          [OTHER_ID, second],
          ['third', knownApp({ name: 'Sales, too' })],
        ],
      ],
      ['test', [[APP_ID, knownApp()]], { name: 'beef' }],
    );
    const text = await explained('Sales');
    expect(text.match(/^Sales \(|^SALES \(/gm)).toHaveLength(3);
    expect(text).toContain(OTHER_ID);
    expect(text).not.toContain('Sales, too');
    expect(text).toContain('Last crawl of prod');
    expect(text).toContain('Last crawl of test');
    const one = await explained('Sales', { connection: 'test' });
    expect(one).not.toContain('Last crawl of prod');
    expect(one).toContain('Last crawl of test');
  });

  test('knows no app that no crawl knows, and says what to give', async () => {
    await keep(['prod', [[APP_ID, knownApp()]]]);
    for (const [wanted, advice] of [
      ['Sale', 'Did you mean "Sales"?'],
      ['Sales\u001b[0m', 'Give the id or the whole name of an app.'],
      [OTHER_ID, 'Give the id or the whole name of an app.'],
    ] as const)
      await expect(explained(wanted)).rejects.toMatchObject({ code: 'config.invalid', advice });
    await expect(explained('Sales', { connection: 'test' })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  test('needs settings that can be read', async () => {
    await expect(explained('Sales', { config: join(folder, 'none.conf') })).rejects.toMatchObject({
      code: 'config.unreadable',
    });
  });
});
