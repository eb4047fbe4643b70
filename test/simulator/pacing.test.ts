import { describe, expect, it } from 'vitest';
import { patchesOf } from './engine/patch.ts';
import { Faults } from './faults.ts';
import { Line, NO_SERVICE_TIMES, Pacing } from './pacing.ts';

describe('a line', () => {
  it('serves one call after the other, in virtual time', () => {
    const line = new Line();
    expect([line.done(0, 40), line.done(1, 2), line.done(1, 2)]).toEqual([40, 42, 44]);
    // Idle in between: the next call is served when it comes.
    expect(line.done(100, 2)).toBe(102);
  });
});

describe('pacing', () => {
  it('runs what is due at once, and the rest in order; nothing after it was closed', async () => {
    const pacing = new Pacing(NO_SERVICE_TIMES);
    const ran: string[] = [];
    const now = pacing.now();
    pacing.at(now - 5, () => ran.push('past'));
    expect(ran).toEqual(['past']);
    const later = new Promise<void>((resolve) => {
      pacing.at(now + 12, () => {
        ran.push('later');
        resolve();
      });
    });
    pacing.at(now + 4, () => ran.push('soon'));
    await later;
    expect(ran).toEqual(['past', 'soon', 'later']);
    pacing.at(pacing.now() + 3, () => ran.push('never'));
    pacing.close();
    const other = new Pacing(NO_SERVICE_TIMES);
    await other.until(other.now() + 8);
    expect(ran).not.toContain('never');
  });
});

describe('triggers', () => {
  it('fit by method, app and path, and strike the n-th, every n-th, or so many times', () => {
    const faults = new Faults(1, {
      hangs: [
        { method: 'a', nth: 2 },
        { method: 'b', every: 2, times: 2 },
        { appId: 'x', times: 1 },
        { path: '/full', times: 1 },
      ],
    });
    const strikes = (call: Parameters<Faults['hangs']>[0], times: number): boolean[] =>
      Array.from({ length: times }, () => faults.hangs(call));
    expect(strikes({ method: 'a' }, 3)).toEqual([false, true, false]);
    expect(strikes({ method: 'b' }, 7)).toEqual([false, true, false, true, false, false, false]);
    expect(strikes({ method: 'c', appId: 'x' }, 2)).toEqual([true, false]);
    expect(strikes({ path: '/qrs/app/full' }, 2)).toEqual([true, false]);
    expect(strikes({ method: 'd' }, 1)).toEqual([false]);
  });
});

describe('patches', () => {
  it('replace as a whole what names an index or needs escaping', () => {
    expect(patchesOf({ a: { '1': 2 } }, { a: { '1': 3 } })).toEqual([{ op: 'replace', path: '/a', value: { '1': 3 } }]);
    expect(patchesOf({ 'a/b': 1 }, { 'a/b': 2 })).toEqual([{ op: 'replace', path: '/', value: { 'a/b': 2 } }]);
    expect(patchesOf({ a: { b: 1, c: [1] } }, { a: { b: 2, c: [1] } })).toEqual([
      { op: 'replace', path: '/a/b', value: 2 },
    ]);
    expect(patchesOf([1], [1, 2])).toEqual([{ op: 'replace', path: '/', value: [1, 2] }]);
    expect(patchesOf('text', 'text')).toEqual([]);
  });
});
