import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpus } from './corpus/corpus.ts';
import { type Answers, askLightbend, askOurs, cleanUp, hasOracle, INSTALL, layOut } from './oracle/oracle.ts';

/**
 * Where Culvert's reader means something else than Lightbend's 1.3.1, and why. Nothing else may differ.
 */
const ABSENT = 'declared: `key =` with nothing after it counts as absent, since published templates are full of it';
const INCLUDE_KEY =
  'include { … } and include = … can be nothing but keys, and crawl { include { … } } is what people write';
const DEVIATIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(corpus.filter(({ name }) => name.startsWith('empty-')).map(({ name }) => [name, ABSENT])),
  'unquoted-087': ABSENT,
  'unquoted-088': ABSENT,
  ...Object.fromEntries(['include-023', 'keys-048'].map((name) => [name, INCLUDE_KEY])),
  'include-039': 'file(…) is relative to the including file; Lightbend takes the folder that the process runs in',
  'include-041': 'required(…) came with Lightbend 1.3.2',
  'include-043': 'url(…) is refused: a connection file reads only the connections folder',
  'include-045': 'classpath(…) is refused: there is none',
  'self-029': 'two keys that look back at each other: the result depends on the order in which Lightbend resolves them',
};

const RECORD = join(import.meta.dirname, 'oracle', 'answers.json');
const oracle = hasOracle();
let root: string;
let ours: Answers;

beforeAll(() => {
  root = layOut(corpus);
  ours = askOurs(root, corpus);
});
afterAll(() => cleanUp(root));

const recorded = (): Answers => JSON.parse(readFileSync(RECORD, 'utf8')) as Answers;

const compare = (theirs: Answers): void => {
  const differing = corpus
    .filter(({ name }) => ours[name] !== theirs[name])
    .map(({ name, text }) => ({ name, text, ours: ours[name], lightbend: theirs[name] }));
  expect(differing.filter(({ name }) => DEVIATIONS[name] === undefined)).toEqual([]);
  // A deviation that is none any more must leave the list.
  expect(Object.keys(DEVIATIONS).filter((name) => !differing.some((one) => one.name === name))).toEqual([]);
};

describe('HOCON, against Lightbend', () => {
  test('the corpus has at least 300 cases with names of their own', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300);
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
  });

  test('every case agrees with the recorded answers, but for the deviations listed', () => {
    compare(recorded());
  });

  // On a build machine the library must be there; elsewhere its absence is said aloud.
  test.skipIf(!oracle && process.env['CI'] === undefined)(
    `every case agrees with the library itself, and the record is what it says (needs: ${INSTALL})`,
    { timeout: 180_000 },
    () => {
      expect(oracle, `Java or the library is missing: ${INSTALL}`).toBe(true);
      const theirs = askLightbend(root);
      if (process.env['CULVERT_RECORD'] === '1') writeFileSync(RECORD, `${JSON.stringify(theirs, null, 2)}\n`);
      compare(theirs);
      expect(recorded()).toEqual(theirs);
    },
  );
});
