import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditLog } from '#agent/audit/audit-log.ts';
import { readAudit } from '#agent/audit/verify.ts';
import { policyAudit } from '#agent/commands/operations.ts';
import { PolicyInForce } from '#agent/commands/policy.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { isWithin, readWindow } from '#config/policy/hours.ts';
import type { Policy } from '#config/policy/policy.ts';
import type { PolicyFile } from '#config/policy/policy-file.ts';
import { loadSettings } from '#config/settings.ts';
import type { JobSpec } from '#protocol/messages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-policy-'));
  await writeFile(join(folder, 'agent.conf'), 'policy = "policy.conf"\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The policy that `agent.conf` names, when it has this text. */
const load = async (text: string): Promise<PolicyFile> => {
  await writeFile(join(folder, 'policy.conf'), text);
  return loadSettings(join(folder, 'agent.conf')).settings?.policy ?? { type: 'none' };
};
const job = (fields: Partial<JobSpec> = {}): JobSpec => ({
  jobId: 'job',
  connection: 'sales-eu',
  kind: 'crawl',
  options: {},
  createdAt: '2026-01-01T00:00:00.000Z',
  ...fields,
});

let logged: string[] = [];
const log = {
  info: (_: object, message: string) => logged.push(message),
  warn: (_: object, message: string) => logged.push(message),
};
beforeEach(() => {
  logged = [];
});
/** A Wednesday. */
let nowMs = Date.parse('2026-07-01T12:00:00.000Z');
const inForce = (file: PolicyFile, ofConnection: (code: string) => Policy | undefined = () => undefined) =>
  new PolicyInForce({ file, ofConnection, nowMs: () => nowMs, log });

describe('a policy', () => {
  test('without one everything is allowed, and nothing is reported', () => {
    const policy = inForce({ type: 'none' });
    expect(policy.judge(job(), 'offered')).toBeUndefined();
    expect(policy.allowsScripts('any')).toBe(true);
    expect(policy.logLevelForbidden()).toBeUndefined();
    expect(policy.report).toEqual({});
  });

  test('refuses kinds and connections that it does not name, and says on which line', async () => {
    const policy = inForce(await load('# ours\njobs = [crawl]\nconnections = ["sales-*", hr]\n'));
    for (const connection of ['sales-eu', 'sales-', 'hr'])
      expect(policy.judge(job({ connection }), 'offered')).toBeUndefined();
    for (const connection of ['sales', 'xsales-eu', 'hr2', ''])
      expect(policy.judge(job({ connection }), 'offered')).toMatchObject({
        code: 'policy.denied',
        retryable: false,
        message: `policy.conf, line 3: connections allows sales-*, hr, and not ${connection}.`,
      });
    expect(policy.judge(job({ kind: 'test' }), 'offered')?.message).toBe(
      'policy.conf, line 2: jobs allows crawl, and not test.',
    );
    // Also a job that lies on the disk since before.
    expect(policy.judge(job({ kind: 'test' }), 'begun')).toBeDefined();
  });

  test('lets jobs begin in its hours only, by the clocks of its zone; what has begun ends', async () => {
    const policy = inForce(await load('hours = ["Mon-Fri 20:00-06:00", "Sat,Sun"]\ntime_zone = Europe/Vienna\n'));
    const at = (time: string): boolean => {
      nowMs = Date.parse(time);
      return policy.judge(job(), 'offered') === undefined;
    };
    expect(at('2026-07-01T12:00:00Z')).toBe(false);
    expect(policy.judge(job(), 'offered')?.message).toBe(
      'policy.conf, line 1: hours allows jobs to begin at Mon-Fri 20:00-06:00, Sat,Sun (Europe/Vienna) only.',
    );
    expect(policy.judge(job(), 'begun')).toBeUndefined();
    // 20:00 in Vienna is 18:00 UTC in summer and 19:00 in winter.
    expect([at('2026-07-01T17:59:00Z'), at('2026-07-01T18:00:00Z')]).toEqual([false, true]);
    expect([at('2026-01-07T18:59:00Z'), at('2026-01-07T19:00:00Z')]).toEqual([false, true]);
    // The night of Friday ends on Saturday, which is allowed as a whole; that of Sunday is not.
    expect([at('2026-07-04T10:00:00Z'), at('2026-07-05T23:00:00Z')]).toEqual([true, false]);
  });

  test('bounds jobs in any hour, those that were begun', async () => {
    nowMs = Date.parse('2026-07-01T12:00:00.000Z');
    const policy = inForce(await load('jobs_per_hour = 2'));
    for (let n = 0; n < 2; n++) {
      expect(policy.judge(job(), 'offered')).toBeUndefined();
      policy.took();
      nowMs += 60_000;
    }
    expect(policy.judge(job(), 'offered')?.message).toBe(
      'policy.conf, line 1: jobs_per_hour allows 2 jobs in an hour. The next may begin at 2026-07-01T13:00:00.000Z.',
    );
    nowMs = Date.parse('2026-07-01T13:00:00.000Z');
    expect(policy.judge(job(), 'offered')).toBeUndefined();
    expect(inForce(await load('jobs_per_hour = 0')).judge(job(), 'offered')).toBeDefined();
  });

  test('forbids scripts and more log', async () => {
    const policy = inForce(await load('scripts = false\nremote_log_level = no\n'));
    expect(policy.allowsScripts('any')).toBe(false);
    expect(policy.logLevelForbidden()).toBe('policy.conf, line 2: remote_log_level is false.');
  });

  test('forbids full crawls and inventories by rules of their own, and nothing beside', async () => {
    const policy = inForce(await load('full_crawls = false\ninventories = no\n'));
    const why = (fields: Partial<JobSpec>) => policy.judge(job(fields), 'offered')?.message;
    expect(why({ options: { mode: 'full' } })).toBe('policy.conf, line 1: full_crawls is false.');
    expect(why({ options: { mode: 'delta' } })).toBeUndefined();
    expect(why({ options: {} })).toBeUndefined();
    expect(why({ kind: 'inventory' })).toBe('policy.conf, line 2: inventories is false.');
    expect(why({ kind: 'test', options: { mode: 'full' } })).toBeUndefined();
    expect(why({ kind: 'preview' })).toBeUndefined();
  });

  test('previews with real values need a rule that allows them; those without do not', async () => {
    const data = job({ kind: 'preview', options: { app: 'a', data: true } });
    const allows = (file: PolicyFile, own?: PolicyFile) => {
      const policy = inForce(file, () => (own?.type === 'policy' ? own.policy : undefined));
      expect(policy.judge(job({ kind: 'preview', options: { app: 'a' } }), 'begun')).toBeUndefined();
      return policy.judge(data, 'begun') === undefined;
    };
    const [silent, yes, no] = [
      await load('jobs_per_hour = 5'),
      await load('previews = true'),
      await load('previews = no'),
    ];
    const none: PolicyFile = { type: 'none' };
    expect([allows(none), allows(silent), allows(yes), allows(no)]).toEqual([false, false, true, false]);
    // The connection's own rules count where the agent has no policy, and narrow it where it has.
    expect([allows(none, yes), allows(yes, no), allows(yes, silent), allows(silent, yes), allows(no, yes)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test('says of each connection what can never be asked, the kind as a whole or one option of it', async () => {
    const none = inForce({ type: 'none' });
    const data = {
      kind: 'preview',
      option: 'data',
      why: 'No policy allows previews with real values (previews = true).',
    };
    expect(none.refusals('sales-eu')).toEqual([data]);
    const policy = inForce(
      await load(
        'jobs = [crawl, test]\nfull_crawls = false\nhours = "20:00-21:00", time_zone = UTC\nconnections = "s*"',
      ),
    );
    expect(policy.refusals('sales-eu')).toEqual([
      { kind: 'inventory', why: 'policy.conf, line 1: jobs allows crawl, test, and not inventory.' },
      { kind: 'preview', why: 'policy.conf, line 1: jobs allows crawl, test, and not preview.' },
      { kind: 'lineage', why: 'policy.conf, line 1: jobs allows crawl, test, and not lineage.' },
      { kind: 'crawl', option: 'full', why: 'policy.conf, line 2: full_crawls is false.' },
    ]);
    expect(policy.refusals('hr').map(({ kind }) => kind)).toEqual(['crawl', 'test', 'inventory', 'preview', 'lineage']);
    expect(inForce(await load('jobs = [')).refusals('hr')).toHaveLength(5);
    expect(inForce(await load('previews = true')).refusals('hr')).toEqual([]);
  });

  test('of a connection narrows that of the agent, and never widens it', async () => {
    const text = `name = S, code = sales-eu, connector_id = qlik-sense
      connection.url = "https://qlik.example.com"
      connection.auth { key = X-User, value = "DOMAIN\\\\user" }
      policy { jobs = [crawl, test], scripts = true, hours = "00:00-01:00", time_zone = UTC }`;
    const { connection, problems } = parseConnection(text, 'sales.conf', { folder });
    expect(problems).toEqual([]);
    const own = connection?.policy;
    const policy = inForce(await load('jobs = [crawl]\nscripts = false'), () => own);
    nowMs = Date.parse('2026-07-01T00:30:00Z');
    expect(policy.judge(job(), 'offered')).toBeUndefined();
    expect(policy.judge(job({ kind: 'test' }), 'offered')?.message).toContain('policy.conf, line 1');
    expect(policy.allowsScripts('sales-eu')).toBe(false);
    nowMs = Date.parse('2026-07-01T12:00:00Z');
    expect(policy.judge(job(), 'offered')?.message).toContain('sales.conf, line 4: hours');
  });

  test('reports what it denies, for the page of the catalog', async () => {
    const policy = inForce(
      await load('jobs = []\njobs_per_hour = 5\nscripts = false\nprevious = 1'.replace(/\n.*$/, '')),
    );
    expect(policy.report).toEqual({
      policy: {
        file: 'policy.conf',
        state: 'in_force',
        denies: [
          'Jobs other than nothing (policy.conf, line 1)',
          'More than 5 jobs in an hour (policy.conf, line 2)',
          'Load scripts (policy.conf, line 3)',
          'Previews with real values, which no rule allows',
        ],
      },
    });
  });
});

describe('a policy file that cannot be used', () => {
  test.each([
    ['a key that is not known', 'scritps = false', 'The policy has no such key'],
    ['a key of an option that is misspelt', 'full_crawl = false', 'The policy has no such key'],
    ['a kind that is not known', 'jobs = [crowl]', 'Did you mean crawl?'],
    ['a kind that nothing is like', 'jobs = [canary-not-a-kind]', 'This is no kind of job.'],
    ['hours without a zone', 'hours = "20:00-06:00"', 'hours need time_zone'],
    ['hours that are none', 'hours = "8pm", time_zone = UTC', 'hours must be a list of times'],
    ['a zone that is none', 'hours = "20:00-06:00", time_zone = Mars', 'There is no such time zone.'],
    ['a flag that is none', 'scripts = maybe', 'scripts must be true or false.'],
    ['a number that is none', 'jobs_per_hour = -1', 'jobs_per_hour must be a whole number'],
    ['no syntax', 'jobs = [', ''],
    ['a key without a value', 'jobs =\n', ''],
    ['a rule that a variable shall give and does not', `jobs = $\{?CULVERT_TEST_NOT_SET}`, 'jobs has no value.'],
    ['a rule that is null', 'connections = null', 'connections has no value.'],
    ['a flag that is empty', 'scripts = ""', 'scripts has no value.'],
    ['a number that is empty', 'jobs_per_hour = ""', 'jobs_per_hour has no value.'],
    [
      'an include of rules that are not there',
      'include "rules.conf"',
      'The policy includes rules, which is not there.',
    ],
  ])('%s: at the start nothing is allowed, and it is said', async (_, text, message) => {
    const file = await load(text);
    expect(file.type).toBe('broken');
    const policy = inForce(file);
    expect(policy.judge(job(), 'offered')).toMatchObject({ code: 'policy.denied' });
    expect(policy.judge(job(), 'begun')).toMatchObject({ code: 'policy.denied' });
    expect(policy.allowsScripts('any')).toBe(false);
    expect(policy.logLevelForbidden()).toBeDefined();
    expect(policy.faults).toMatchObject([{ code: 'policy.broken', message: expect.stringContaining(message) }]);
    expect(policy.report).toEqual({ policy: { file: 'policy.conf', state: 'broken', denies: ['Every job'] } });
    // The rest of agent.conf can be used: the link stays up.
    expect(loadSettings(join(folder, 'agent.conf')).settings).toBeDefined();
  });

  test('later: the last good one stays in force, until the file is good again', async () => {
    const policy = inForce(await load('jobs = [crawl]'));
    policy.take(await load('jobs = [crawl, tset]'));
    expect(policy.judge(job(), 'offered')).toBeUndefined();
    expect(policy.judge(job({ kind: 'test' }), 'offered')?.message).toContain('line 1: jobs allows crawl');
    expect(policy.faults[0]?.message).toContain('The last good one stays in force.');
    expect(policy.report.policy).toMatchObject({ state: 'broken' });
    policy.take(await load('jobs = [crawl, test]'));
    expect(policy.judge(job({ kind: 'test' }), 'offered')).toBeUndefined();
    expect(policy.faults).toEqual([]);
  });

  test('that is missing, or named by an empty value, allows nothing', async () => {
    const settings = () => loadSettings(join(folder, 'agent.conf'), {}).settings;
    expect(settings()?.policy.type).toBe('broken');
    for (const text of ['policy = ""', 'policy =', `policy = \${?UNSET}`]) {
      await writeFile(join(folder, 'agent.conf'), `${text}\n`);
      expect(settings()?.policy.type, text).toBe('broken');
    }
    await writeFile(join(folder, 'agent.conf'), '# none\n');
    expect(settings()?.policy).toEqual({ type: 'none' });
  });

  test('a rule of a connection that is not known makes the connection’s file an error', () => {
    const text = `name = S, code = s, connector_id = qlik-sense
      connection.url = "https://qlik.example.com"
      connection.auth { key = X-User, value = "DOMAIN\\\\user" }
      policy.job = [crawl]`;
    const { connection, problems } = parseConnection(text, 'sales.conf', { folder });
    expect(connection).toBeUndefined();
    expect(problems.some(({ severity, line }) => severity === 'error' && line === 4)).toBe(true);
  });
});

describe('hours', () => {
  test.each([
    '25:00-06:00',
    '20:00-20:00',
    '20:60-21:00',
    'Mon-Foo 10:00-11:00',
    '',
    ' ',
    '10:00',
    'Mon-Tue-Wed',
    '24:00-25:00',
  ])('%j is none', (text) => expect(readWindow(text)).toBeUndefined());

  test('a window to 24:00 and one over the turn of a week', () => {
    const windows = ['Sun 22:00-02:00', 'Wed 23:00-24:00'].flatMap((text) => readWindow(text) ?? []);
    const at = (time: string): boolean => isWithin(windows, 'UTC', Date.parse(time));
    expect(at('2026-07-05T22:00:00Z')).toBe(true);
    expect(at('2026-07-06T01:59:00Z')).toBe(true);
    expect(at('2026-07-06T02:00:00Z')).toBe(false);
    expect(at('2026-07-01T23:59:00Z')).toBe(true);
    expect(at('2026-07-02T00:00:00Z')).toBe(false);
  });
});

test('what is in force is told in the audit log: once, whatever was started how often, and whenever it changes', async () => {
  const audit = join(folder, 'audit');
  const started = async (...files: readonly PolicyFile[]): Promise<void> => {
    await using opened = await AuditLog.open(audit);
    const [file = { type: 'none' } as const, ...later] = files;
    const policy = new PolicyInForce({
      file,
      ofConnection: () => undefined,
      nowMs: () => nowMs,
      log,
      onTaken: policyAudit(opened, log),
    });
    for (const next of later) policy.take(next);
  };
  await started();
  const crawls = await load('jobs = [crawl]\n');
  await started(crawls);
  await started(crawls, await load('jobs = [\n'), crawls);
  await started({ type: 'none' });
  const told: unknown[] = [];
  for await (const { entry } of readAudit(audit))
    if (entry?.event === 'policy') told.push([entry.file, entry.state, entry.denies.length]);
  expect(told).toEqual([
    ['policy.conf', 'in_force', 2],
    ['policy.conf', 'broken', 2],
    ['policy.conf', 'in_force', 2],
    [null, 'none', 0],
  ]);
});

test.each([
  ['a rule without a value', 'scripts:\n'],
  ['a second document, which would be left out', 'scripts: true\n---\nscripts: false\n'],
])('a policy in YAML with %s is broken', async (_, text) => {
  await writeFile(join(folder, 'agent.conf'), 'policy = "policy.yaml"\n');
  await writeFile(join(folder, 'policy.yaml'), text);
  expect(loadSettings(join(folder, 'agent.conf')).settings?.policy).toMatchObject({ type: 'broken' });
});

test('the policy of a connection without a value is an error of its file', () => {
  const problemsOf = (text: string) =>
    parseConnection(text, 'a.conf', { folder }).problems.map(({ message }) => message);
  const empty = problemsOf('connection.url = "https://qlik.example.com"\npolicy { scripts = "" }');
  expect(empty.filter((message) => message.includes('scripts'))).toEqual(['policy.scripts has no value.']);
  expect(problemsOf(`connection.url = "https://qlik.example.com"\npolicy = $\{?CULVERT_TEST_NOT_SET}`)).toContain(
    'policy has no value.',
  );
});
