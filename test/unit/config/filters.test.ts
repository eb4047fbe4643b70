import { describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { head, header } from './sample.ts';

const parse = (rest: string, file = 'a.conf', text = `${head}${header}${rest}\n`) =>
  parseConnection(text, file, {
    folder: '/connections',
    env: {},
    readFile: (path) =>
      path === '/connections/keep.filter'
        ? { type: 'file', bytes: Buffer.from("# which\nstrem = 'x'"), realPath: path }
        : { type: 'missing', reason: 'it does not exist' },
  });

describe('filters of a connection file', () => {
  test.each([
    ['filter = """stream = \'a\'\n  and strem = \'b\'"""', 7, 7, 'strem is not a key of filters'],
    ['filter = "strem = \'a\'"', 6, 11, 'strem is not a key'],
    ['crawl.filter = "file:keep.filter"', 2, 1, 'strem is not a key'],
    ['filter = "file:other.filter"', 6, 10, 'it does not exist'],
    ['crawl { include { streams = [a, "regex:(?=x)"] } }', 6, 33, 'looks ahead'],
    [`crawl.include.streams = $\{?NOT_SET}`, 6, 1, 'has no value'],
    ['crawl.include.stream = a', 6, 1, 'A key that is not known'],
    ['crawl.apps = a', 6, 1, 'A key that is not known'],
    ['filters = [{ action = DROP }]', 6, 23, 'ACCEPT or REJECT'],
    ['filters = [{ action = REJECT, rules { strem = a } }]', 6, 47, 'strem is not a key'],
  ])('%s is refused at its place', (rest, line, column, message) => {
    const { connection, problems } = parse(rest);
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([{ severity: 'error', line, column, message: expect.stringContaining(message) }]);
  });

  test('are told of, and are none where the file says nothing', () => {
    const { connection } = parse(
      'crawl { exclude.apps = ["T*", x], streams = no, deletion = flag }\nfilter = "always"\nfilters = [{ action = ACCEPT }]',
    );
    expect(connection?.settings).toEqual([
      { name: 'excludeApps', value: 'T*, x' },
      { name: 'streams', value: 'false' },
      { name: 'filter', value: 'always' },
      { name: 'filters', value: '1 rule' },
      { name: 'deletion', value: 'flag' },
    ]);
    expect(connection?.filter?.options.streams).toBe(false);
    expect(parse('').connection).not.toHaveProperty('filter');
  });
});
