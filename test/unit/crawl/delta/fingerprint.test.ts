import { expect, test } from 'vitest';
import { changedParts, type Fingerprint, fingerprintOf, objectsText } from '#agent/crawl/delta/fingerprint.ts';
import { changeOf } from '#agent/crawl/delta/reasons.ts';
import { People } from '#agent/crawl/people.ts';
import { QrsUser } from '#agent/qlik/repository/entities.ts';
import { appRow } from './rows.ts';

const people = (email: string): People => {
  const all = new People();
  const attributes = [{ attributeType: 'Email', attributeValue: email }];
  all.add(
    QrsUser.parse({
      id: 'u-1',
      userId: 'ann',
      userDirectory: 'CORP',
      name: 'Ann',
      roles: [],
      attributes,
      inactive: false,
      removedExternally: false,
      blacklisted: false,
      createdDate: '2026-01-01T00:00:00.000Z',
      modifiedDate: '2026-01-01T00:00:00.000Z',
      tags: [],
      customProperties: [],
    }),
  );
  return all;
};
const objects = (count: number, sum = 'a'): string | null => objectsText({ count, sum: sum.repeat(24) });
const before = fingerprintOf(appRow(), people('ann@corp.example'), objects(12));

test.each<[string, Fingerprint, readonly string[]]>([
  ['nothing', fingerprintOf(appRow(), people('ann@corp.example'), objects(12)), []],
  [
    'a later date',
    fingerprintOf(appRow({ modifiedDate: '2026-02-02T00:00:00.000Z' }), people('ann@corp.example'), objects(12)),
    ['modified'],
  ],
  [
    'a reload that moves the date, too',
    fingerprintOf(
      appRow({ modifiedDate: '2026-02-02T00:00:00.000Z', lastReloadTime: '2026-02-02T00:00:00.000Z' }),
      people('ann@corp.example'),
      objects(12),
    ),
    ['reloaded', 'modified'],
  ],
  ['an object more', fingerprintOf(appRow(), people('ann@corp.example'), objects(13)), ['objects']],
  ['another object', fingerprintOf(appRow(), people('ann@corp.example'), objects(12, 'b')), ['objects']],
  ['objects that cannot be listed now', fingerprintOf(appRow(), people('ann@corp.example'), null), []],
  ['another address of the owner', fingerprintOf(appRow(), people('ann@other.example'), objects(12)), ['owner']],
  [
    'another name of the stream',
    fingerprintOf(appRow({ stream: { id: 's-1', name: 'Money' } }), people('ann@corp.example'), objects(12)),
    ['stream'],
  ],
  [
    'a tag',
    fingerprintOf(appRow({ tags: [{ id: 't-1', name: 'gold' }] }), people('ann@corp.example'), objects(12)),
    ['properties'],
  ],
  [
    'another stream of the same name',
    fingerprintOf(appRow({ stream: { id: 's-2', name: 'Finance' } }), people('ann@corp.example'), objects(12)),
    ['properties'],
  ],
])('%s: the parts that tell', (_, now, parts) => {
  expect(changedParts(before, now)).toEqual(parts);
  expect(changeOf(before, now)?.code).toBe(parts[0]);
});

test('the reason says what was and what is', () => {
  const now = { ...before, objects: objects(14), stream: null };
  expect(changeOf(before, now)).toEqual({
    code: 'objects',
    message: 'It has 14 objects (before: 12); its stream is none (before: Finance).',
  });
  expect(changeOf(before, { ...before, objects: objects(12, 'b') })?.message).toBe('One of its 12 objects changed.');
  const long = 'x'.repeat(2_000);
  expect(changeOf({ ...before, stream: long }, before)?.message.length).toBeLessThanOrEqual(500);
});
