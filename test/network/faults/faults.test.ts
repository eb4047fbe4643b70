/**
 * The table of faults: each is made for real, the doctor looks, and exactly the check that is broken fails, with the code
 * that says why; what depends on it is skipped; no secret is shown, and nothing is left behind at the site.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckId } from '#protocol/checks.ts';
import { missingForNtlm } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { noProxies, RealProxies } from '../proxies/programs.ts';
import { type Examined, examine } from './examine.ts';
import { page } from './readme.ts';
import type { FaultRow, HealthyRow } from './row.ts';
import type { RunningProxies } from './stage.ts';
import { FAULTS, HEALTHY } from './table.ts';

const without: ReadonlySet<FaultRow['need']> = new Set([
  ...(noProxies() ? ['proxies' as const] : []),
  ...(missingForNtlm() === null ? [] : ['ntlm' as const]),
]);
const USER = { name: 'proxyuser', password: 'canary-proxy' };

/** Checks after this one that have no ground without it. */
const STANDING_ON: Readonly<Record<CheckId, 'all' | readonly string[]>> = {
  file: 'all',
  secrets: 'all',
  dns: 'all',
  tcp: 'all',
  proxy: 'all',
  tls: 'all',
  virtual_proxy: 'all',
  authentication: 'all',
  repository: ['objects', 'open_app', 'rights'],
  objects: ['open_app', 'rights'],
  websocket: ['engine', 'open_app', 'rights', 'sessions'],
  engine: ['open_app', 'rights', 'sessions'],
  open_app: ['rights'],
  rights: [],
  sessions: [],
};

let folder: string;
let programs: RealProxies | undefined;
let proxies: RunningProxies | undefined;
let rows = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-faults-'));
  if (without.has('proxies')) return;
  programs = new RealProxies(folder, []);
  const certificate = new Authority('Authority of the proxy').issue({ name: 'localhost', dns: ['localhost'] });
  const { open, plain, secure } = await programs.squid(USER, certificate);
  const socks = await programs.microsocks(USER);
  proxies = { open: open.port, plain: plain.port, secure: secure.port, socks: socks.port, user: USER };
});
afterAll(async () => {
  await programs?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const look = async (row: FaultRow | HealthyRow): Promise<Examined> => {
  rows += 1;
  return await examine(row, { folder: join(folder, `row-${rows}`), pki: join(folder, 'pki'), proxies });
};

/** What holds whatever was found. */
const expectDecency = (row: FaultRow | HealthyRow, { shown, printed, left }: Examined): void => {
  const lines = printed.checks.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const height = lines.length - 1 + (printed.needed === '' ? 0 : printed.needed.split('\n').length);
  if ('check' in row) expect(height).toBeLessThanOrEqual(32);
  expect(`${printed.checks}${printed.needed}`).not.toMatch(/canary/i);
  // Every secret of the tests and of the site is made of this word.
  expect(shown).not.toMatch(/canary/i);
  for (const record of JSON.parse(shown)[0])
    if (record.status === 'fail' && /HTTP 403/.test(record.seen))
      expect(`${record.seen} ${record.advice}`).not.toMatch(
        /\b(?:is|are|be) (?:down|unreachable|unavailable|offline)\b/i,
      );
  if (left === undefined) return;
  expect(left.proxySessions.total).toBeLessThanOrEqual(row.proxySessions ?? 1);
  expect(left.engineSessions.total).toBeLessThanOrEqual(row.engineSessions ?? 1);
  expect(left.engineSockets).toMatchObject({ now: 0 });
  expect(left.engineSockets.max).toBeLessThanOrEqual(1);
  expect(left.opensWithData).toBe(0);
};

describe.each(FAULTS)('$title', ({ rows: faults }) => {
  test.for(faults)('$name: $check, $code', async (row, { skip }) => {
    if (without.has(row.need)) return skip(`${row.need} missing: the lane says above what to install`);
    const examined = await look(row);
    const { records } = examined;
    const broken = records.filter(({ status }) => status === 'fail');
    expect(broken.map(({ check, code }) => `${check} ${code}`)).toEqual([`${row.check} ${row.code}`]);
    const at = records.findIndex(({ check }) => check === row.check);
    expect(records.slice(0, at).filter(({ status }) => status === 'fail')).toEqual([]);
    // What stands on the broken check is skipped, and says on which.
    const later = records.slice(at + 1);
    const standing = STANDING_ON[row.check];
    for (const { check, status, seen } of later) {
      if (standing === 'all' || standing.includes(check))
        expect(`${check} ${status}: ${seen}`).toMatch(/ skip: .*because/);
      else expect(`${check} ${status}`).toMatch(/ pass$| skip$/);
    }
    const [record] = broken;
    const said = [record?.seen, record?.advice, ...(record?.details ?? [])].join('\n');
    for (const part of row.says ?? []) expect(said).toMatch(part);
    expect(record?.advice).not.toBe('');
    expectDecency(row, examined);
  });
});

describe(HEALTHY.title, () => {
  test.for(HEALTHY.rows)('$name', async (row, { skip }) => {
    if (without.has(row.need)) return skip(`${row.need} missing: the lane says above what to install`);
    const examined = await look(row);
    const { records } = examined;
    expect(records.filter(({ status }) => status === 'fail')).toEqual([]);
    const notes = records.flatMap(({ status, code }) => (status === 'pass' && code !== undefined ? [code] : []));
    expect(notes).toEqual(row.notes ?? []);
    expectDecency(row, examined);
  });
});

test('README.md is what the rows say', async () => {
  await expect(page(FAULTS, HEALTHY)).toMatchFileSnapshot('README.md');
});

test('at least sixty faults have a verdict', () => {
  const faults = FAULTS.flatMap((group) => group.rows);
  const codes = new Set(faults.map(({ code }) => code));
  process.stdout.write(
    `faults: ${faults.length} rows, ${codes.size} distinct codes, ${HEALTHY.rows.length} healthy rows; ${rows} were played\n`,
  );
  expect(faults.length).toBeGreaterThanOrEqual(60);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});
