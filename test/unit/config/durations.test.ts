import { expect, test } from 'vitest';
import { CONNECTION_KEYS, SETTINGS_KEYS } from '#config/connection/keys.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { Problems } from '#config/connection/problem.ts';
import { Values } from '#config/connection/values.ts';
import { isTimeZone } from '#config/policy/hours.ts';
import type { Tree } from '#config/tree.ts';

const NOTHING: Tree = { type: 'object', entries: new Map(), at: { file: 'x', line: 1, column: 1 } } as unknown as Tree;

const file = (crawl: string) =>
  parseConnection(
    `name = S, code = s, connector_id = qlik-sense
connection { url = "https://qlik.example/vp", auth { type = header, key = X-User, value = "canary-user" } }
crawl { ${crawl} }`,
    's.conf',
    { folder: '/nowhere' },
  );

test('every usual duration can be read, and lies within its bounds', () => {
  for (const keys of [CONNECTION_KEYS, SETTINGS_KEYS])
    for (const { path, type, minimum = 0, maximum = Number.MAX_SAFE_INTEGER, standard } of keys) {
      if (type !== 'duration' || standard === undefined) continue;
      const ms = new Values(NOTHING, keys, new Problems('x')).durationMs(path);
      expect.soft(ms, path).toBeGreaterThanOrEqual(Math.max(1, minimum));
      expect.soft(ms, path).toBeLessThanOrEqual(maximum);
    }
});

test.each([
  ['500MB', 500_000_000],
  ['2 GiB', 2 * 1024 ** 3],
  ['1.5k', 1_536],
  ['4096', 4_096],
])('crawl.app_max_size = %s', (text, bytes) => {
  expect(file(`app_max_size = "${text}"`).connection?.crawl.appMaxBytes).toBe(bytes);
});

test.each(['many', '10', '-5MB', '5 MBit'])('crawl.app_max_size = %s is refused', (text) => {
  const { connection, problems } = file(`app_max_size = "${text}"`);
  expect(connection).toBeUndefined();
  expect(problems.map(({ message }) => message)).toEqual(['crawl.app_max_size must be a size from 1024 bytes.']);
});

test('quiet hours have a zone, and leave time for a crawl', () => {
  const good = file('quiet_hours = ["Mon-Fri 07:00-19:00", "Sun"], time_zone = Europe/Vienna');
  expect(good.connection?.crawl.quietHours).toMatchObject({
    text: 'Mon-Fri 07:00-19:00, Sun',
    timeZone: 'Europe/Vienna',
  });
  expect(isTimeZone('Europe/Vienna')).toBe(true);
  const messages = (crawl: string) => file(crawl).problems.map(({ message }) => message);
  expect(messages('quiet_hours = ["07:00-19:00"]')[0]).toContain('quiet_hours need time_zone');
  expect(messages('quiet_hours = ["at night"], time_zone = UTC')[0]).toContain('quiet_hours must be a list of times');
  expect(messages('quiet_hours = ["Mon-Sun"], time_zone = UTC')).toEqual([
    'The quiet hours leave no minute of a week: nothing could ever be crawled.',
  ]);
  expect(messages('quiet_hours = ["00:00-23:59"], time_zone = UTC')).toEqual([]);
});
