import { expect, test, vi } from 'vitest';
import { CachedSecrets } from '#agent/secrets/cached.ts';
import { Lease, type Leased } from '#agent/secrets/flight.ts';
import { Secret } from '#config/secret.ts';
import type { SecretLookup } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import { faultIn, fieldsIn, Machine } from './machine.ts';

const value = (text: string): SecretLookup => ({ type: 'secret', fields: new Map([['value', new Secret(text)]]) });

const cached = (answers: readonly (SecretLookup | Error)[]) => {
  const machine = new Machine();
  let next = 0;
  const fetch = vi.fn(async (_key: string, _signal: AbortSignal): Promise<SecretLookup> => {
    const answer = answers[Math.min(next++, answers.length - 1)];
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  });
  return { machine, fetch, manager: new CachedSecrets('the test', 300_000, fetch, machine) };
};

test('an answer counts for its lifetime, from when it was asked for', async () => {
  const { machine, fetch, manager } = cached([value('1'), value('2')]);
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '1' });
  machine.time += 299_999;
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '1' });
  machine.time += 1;
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('an answer that was long on its way does not count longer for that', async () => {
  const machine = new Machine();
  let asked = 0;
  const fetch = async (): Promise<SecretLookup> => {
    machine.time += 5_000;
    asked += 1;
    return value(String(asked));
  };
  const manager = new CachedSecrets('the test', 60_000, fetch, machine);
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '1' });
  machine.time += 55_000;
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
});

test('a clock that is set back does not make an answer last', async () => {
  const { machine, manager } = cached([value('1'), value('2')]);
  await manager.read('a');
  machine.time -= 86_400_000;
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
});

test('many who ask at once ask once; one who leaves does not end it for the others', async () => {
  const machine = new Machine();
  const { promise, resolve } = Promise.withResolvers<SecretLookup>();
  const signals: AbortSignal[] = [];
  const fetch = (_key: string, signal: AbortSignal): Promise<SecretLookup> => {
    signals.push(signal);
    return promise;
  };
  const manager = new CachedSecrets('the test', 1000, fetch, machine);
  const leaving = new AbortController();
  const first = manager.read('a', { signal: leaving.signal });
  const second = manager.read('a');
  const gone = new Error('gone');
  leaving.abort(gone);
  await expect(first).rejects.toBe(gone);
  expect(signals).toHaveLength(1);
  expect(signals[0]?.aborted).toBe(false);
  resolve(value('1'));
  expect(fieldsIn(await second)).toEqual({ value: '1' });
});

test('when the last one leaves, the question ends and its answer is not kept', async () => {
  const machine = new Machine();
  const signals: AbortSignal[] = [];
  const manager = new CachedSecrets(
    'the test',
    1000,
    (_key, signal) => {
      signals.push(signal);
      return signals.length > 1
        ? Promise.resolve(value('2'))
        : new Promise((_give, fail) => signal.addEventListener('abort', () => fail(signal.reason)));
    },
    machine,
  );
  const leaving = new AbortController();
  const only = manager.read('a', { signal: leaving.signal });
  leaving.abort(new Error('gone'));
  await expect(only).rejects.toThrow('gone');
  expect(signals[0]?.aborted).toBe(true);
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
});

test('a failure is never covered by an older answer, and the next question waits longer each time', async () => {
  const down = new Fault('secrets.unreachable', 'down');
  const { machine, fetch, manager } = cached([value('1'), down, down, down, value('2')]);
  await manager.read('a');
  machine.time += 300_000;
  expect(faultIn(await manager.read('a'))).toMatchObject({ code: 'secrets.unreachable', message: 'down' });
  const waits: number[] = [];
  for (const calls of [3, 4, 5]) {
    const since = machine.time;
    while (fetch.mock.calls.length < calls) {
      machine.time += 100;
      await manager.read('a');
    }
    waits.push(machine.time - since);
  }
  expect(waits).toEqual([1500, 3000, 6000]);
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
});

test('a fresh answer is asked for in spite of the cache and of failures', async () => {
  const { fetch, manager } = cached([new Fault('secrets.unreachable', 'down'), value('1'), value('2')]);
  expect((await manager.read('a')).type).toBe('failed');
  expect((await manager.read('a')).type).toBe('failed');
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(fieldsIn(await manager.read('a', { fresh: true }))).toEqual({ value: '1' });
  expect(fieldsIn(await manager.read('a', { fresh: true }))).toEqual({ value: '2' });
  expect(fieldsIn(await manager.read('a'))).toEqual({ value: '2' });
});

test('what is missing is looked for again after a minute', async () => {
  const { machine, manager } = cached([{ type: 'missing', reason: 'no' }, value('1')]);
  expect((await manager.read('a')).type).toBe('missing');
  machine.time += 60_000;
  expect((await manager.read('a')).type).toBe('secret');
});

test('what was thrown by mistake is not quoted', async () => {
  const { manager } = cached([new Error('canary-secret')]);
  const fault = faultIn(await manager.read('a'));
  expect(fault.code).toBe('internal');
  expect(JSON.stringify(fault)).not.toContain('canary');
});

test('the memory is bounded', async () => {
  const { fetch, manager } = cached([value('1')]);
  for (let i = 0; i < 300; i++) await manager.read(`k${i}`);
  await manager.read('k299');
  expect(fetch).toHaveBeenCalledTimes(300);
  await manager.read('k0');
  expect(fetch).toHaveBeenCalledTimes(301);
});

test('a lease is obtained once for all who ask, and nobody ends it for the others', async () => {
  const { promise, resolve } = Promise.withResolvers<Leased<string>>();
  const obtain = vi.fn(() => promise);
  const lease = new Lease(() => 0, obtain);
  const leaving = new AbortController();
  const first = lease.get(leaving.signal);
  const second = lease.get();
  leaving.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  resolve({ value: 'x', renewAt: 1, endsAt: 2 });
  expect(await second).toBe('x');
  expect(await lease.get()).toBe('x');
  expect(obtain).toHaveBeenCalledTimes(1);
});

test('a lease that cannot be renewed in time is used until it ends', async () => {
  const machine = new Machine();
  let works = true;
  const obtain = vi.fn(async () => {
    if (!works) throw new Error('down');
    return { value: {}, renewAt: machine.time + 1000, endsAt: machine.time + 100_000 };
  });
  const lease = new Lease(machine.now, obtain);
  const first = await lease.get();
  works = false;
  machine.time += 1000;
  expect(await lease.get()).toBe(first);
  expect(await lease.get()).toBe(first);
  expect(obtain).toHaveBeenCalledTimes(2);
  machine.time += 99_000;
  await expect(lease.get()).rejects.toThrow('down');
  works = true;
  expect(await lease.get()).not.toBe(first);
});
