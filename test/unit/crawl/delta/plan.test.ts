import { expect, test } from 'vitest';
import { type Fingerprint, fingerprintOf } from '#agent/crawl/delta/fingerprint.ts';
import type { ObjectState } from '#agent/crawl/delta/objects.ts';
import { FIRST, INCLUDED } from '#agent/crawl/delta/reasons.ts';
import type { SurveyedApp } from '#agent/crawl/delta/survey.ts';
import { keysOf } from '#agent/crawl/keys.ts';
import { People } from '#agent/crawl/people.ts';
import { type PlanOptions, planOf } from '#agent/crawl/plan.ts';
import { appRow, knownApp } from './rows.ts';

const people = new People();
const OBJECTS = `3:${'0'.repeat(24)}`;
const objects: ObjectState = { of: () => OBJECTS, byApp: new Map(), since: null, recent: [] };
const fingerprint = fingerprintOf(appRow(), people, OBJECTS);
const known = (more: Partial<Fingerprint> = {}, again = false) =>
  knownApp({ fingerprint: { ...fingerprint, ...more }, again });

const app = (id: string, more: Partial<SurveyedApp> = {}): SurveyedApp => ({
  id,
  name: id,
  row: undefined,
  known: known(),
  ...more,
});
const planned = (apps: readonly SurveyedApp[], more: Partial<PlanOptions> = {}) => {
  const survey = { apps, incomplete: undefined, since: null, objects, rejected: [], included: new Set(['includes']) };
  const options = { keys: keysOf('sim'), people, skipScopes: undefined, readAll: undefined, unsure: new Set<string>() };
  const plan = planOf(survey, { ...options, ...more });
  const of = (list: readonly { id: string; reason: { code: string } }[]) =>
    Object.fromEntries(list.map(({ id, reason }) => [id, reason.code]));
  return {
    order: plan.read.map(({ id }) => id),
    read: of(plan.read),
    unchanged: of(plan.unchanged),
    published: of(plan.published),
  };
};

test('only what is new, changed, unsure or failed is read, and each says why', () => {
  const row = appRow();
  const plan = planned(
    [
      app('same'),
      app('listed-again', { row }),
      app('new', { row, known: undefined }),
      app('modified', { row, known: known({ modified: '2026-01-30T00:00:00.000Z' }) }),
      app('objects', { row, known: known({ objects: `2:${'0'.repeat(24)}` }) }),
      app('interrupted', { row }),
      app('includes', { row }),
      app('failed', { row, known: known({}, true) }),
    ],
    { unsure: new Set(['interrupted']) },
  );
  expect(plan.unchanged).toEqual({ same: 'unchanged', 'listed-again': 'unchanged' });
  expect(plan.read).toEqual({
    new: 'first',
    modified: 'modified',
    objects: 'objects',
    interrupted: 'interrupted',
    includes: INCLUDED.code,
    failed: 'failed_before',
  });
  expect(plan.published).toEqual({});
});

test('a reason to read everything is that of every app', () => {
  const row = appRow();
  const plan = planned([app('same', { row }), app('new', { row, known: undefined })], { readAll: FIRST });
  expect(plan).toMatchObject({ read: { same: 'first', new: 'first' }, unchanged: {} });
});

test('what an earlier attempt of the job published is neither read nor unchanged', () => {
  const row = appRow();
  const other = known({ modified: null });
  const plan = planned([app('changed', { row, known: other }), app('same')], {
    skipScopes: new Set(['sim/changed', 'sim/same']),
  });
  expect(plan).toMatchObject({ read: {}, unchanged: {}, published: { changed: 'modified', same: 'unchanged' } });
});

test('the largest app is taken first: it stands at the end', () => {
  const sized = (id: string, fileSize: number) => app(id, { row: appRow({ fileSize }), known: undefined });
  expect(planned([sized('middle', 20), sized('large', 300), sized('small', 1)]).order).toEqual([
    'small',
    'middle',
    'large',
  ]);
});
