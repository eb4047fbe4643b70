/** A package is bound by the policies of the agent and of the connection, as what leaves by the link is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLines } from '#catalog/jobs/decode.ts';
import { PackageReader } from '#catalog/jobs/package-reader.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { SimulatedSite } from '../../demo/site.ts';
import { culvert } from '../../unit/commands/culvert.ts';
import { headerFile, Setting } from './setting.ts';

let setting: Setting;
let site: SimulatedSite;
beforeAll(async () => {
  setting = await Setting.make();
  // Each run of the program logs in by itself.
  site = await setting.site(1, 4, ['--sessions', '100']);
}, 120_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

/** What a crawl packs under these policies. */
const packed = async (name: string, agents: string | undefined, connections = ''): Promise<readonly StreamRecord[]> => {
  const { folder } = setting;
  const at = (file: string): string => join(folder, `${name}${file}`);
  const settings = [
    'gateway.url = "ws://127.0.0.1:9/v1/agent"',
    'state = "state"',
    ...(agents === undefined ? [] : [`policy = "${name}.policy"`]),
  ];
  await writeFile(at('-agent.conf'), settings.join('\n'));
  if (agents !== undefined) await writeFile(at('.policy'), agents);
  await writeFile(at('.conf'), headerFile(site, { code: name, further: connections }));
  const ran = await culvert(['crawl', at('.conf'), '--package', at('.pkg'), '--config', at('-agent.conf')]);
  expect(ran).toMatchObject({ code: 0 });
  await using reader = await PackageReader.open(at('.pkg'));
  const records: StreamRecord[] = [];
  for await (const batch of reader.batches())
    for (const line of await readLines({ ...batch, codec: 'zstd' }))
      records.push(JSON.parse(Buffer.from(line).toString()) as StreamRecord);
  return records;
};

const scriptsOf = (records: readonly StreamRecord[]) =>
  records.flatMap((one) => (one.t === 'asset' && (one.kind === 'script' || one.kind === 'scriptSection') ? [one] : []));
const loads = (records: readonly StreamRecord[]): number =>
  records.filter((one) => one.t === 'edge' && one.kind === 'loads').length;
const withText = (records: readonly StreamRecord[]): number =>
  scriptsOf(records).filter(({ attributes }) => attributes?.['text'] !== undefined).length;

let whole: readonly StreamRecord[];
test('without a policy scripts and lineage are packed', async () => {
  whole = await packed('free', undefined);
  expect(withText(whole)).toBeGreaterThan(3);
  expect(loads(whole)).toBeGreaterThan(3);
}, 60_000);

test.each([
  ['agent', 'script_texts = false\n', ''],
  ['connection', '', 'policy.script_texts = false\n'],
])(
  'the policy of the %s may withhold the texts of scripts and let lineage leave',
  async (whose, agents, connections) => {
    const records = await packed(`texts-${whose}`, agents, connections);
    expect(scriptsOf(records)).toHaveLength(scriptsOf(whole).length);
    expect(withText(records)).toBe(0);
    expect(loads(records)).toBe(loads(whole));
    for (const one of records) if (one.t === 'edge') expect(one.attributes ?? {}).not.toHaveProperty('expression');
  },
  60_000,
);

test.each([
  ['agent', 'scripts = false\n', ''],
  ['connection', '', 'policy.scripts = false\n'],
])(
  'the policy of the %s may forbid scripts altogether',
  async (whose, agents, connections) => {
    const records = await packed(`none-${whose}`, agents, connections);
    expect(scriptsOf(records)).toEqual([]);
    expect(loads(records)).toBe(0);
  },
  60_000,
);

test('a policy that cannot be used allows nothing of scripts', async () => {
  expect(scriptsOf(await packed('broken', 'scripts = {\n'))).toEqual([]);
}, 60_000);
