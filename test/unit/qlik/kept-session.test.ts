import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { ProxySessions } from '#agent/qlik/auth/proxy-sessions.ts';
import type { KeptSession, SessionStore } from '#agent/qlik/auth/session-store.ts';
import { PasswordRefused } from '#agent/qlik/auth/windows.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { keepSessions, logOut, openSite } from '#agent/qlik/site.ts';
import { type Answer, connectionTo, fakeSite } from './fake-site.ts';

const MINUTE_MS = 60_000;
const connection = connectionTo('https://qlik.example.com');

/** A store in memory, and how often it was written. */
class MemoryStore implements SessionStore {
  kept: KeptSession | undefined;
  writes = 0;

  read(): Promise<KeptSession | undefined> {
    return Promise.resolve(this.kept);
  }

  keep(_: unknown, kept: KeptSession): Promise<void> {
    this.kept = kept;
    this.writes += 1;
    return Promise.resolve();
  }
}

let store: MemoryStore;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(new Date('2026-01-01T12:00:00Z'));
  store = new MemoryStore();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The state of a process that starts now. */
const start = async () => {
  const sessions = new ProxySessions();
  sessions.store = store;
  const state = sessions.of(connection);
  await state.restore();
  return state;
};
const pass = (ms: number): void => {
  vi.setSystemTime(Date.now() + ms);
};

describe('a kept session', () => {
  test('is used by the next start until it has rested for as long as the proxy keeps it', async () => {
    const first = await start();
    first.cookies.restore([['session', 's1']]);
    await first.keep();
    pass(29 * MINUTE_MS);
    const second = await start();
    expect([second.cookies.header(), second.isKept]).toEqual(['session=s1', true]);
    second.cookies.restore([['balancer', 'b']]);
    expect(second.isKept).toBe(false);
    pass(MINUTE_MS);
    expect((await start()).cookies.empty).toBe(true);
  });

  test('of a clock that was set back is none', async () => {
    const first = await start();
    first.cookies.restore([['session', 's1']]);
    await first.keep();
    pass(-31 * MINUTE_MS);
    expect((await start()).cookies.empty).toBe(true);
  });

  test('is noted as used once a minute, and at once when its cookies change', async () => {
    const state = await start();
    state.cookies.restore([['session', 's1']]);
    await state.keep();
    for (let at = 0; at < 100; at += 1) {
      pass(1_000);
      state.used();
    }
    expect(store.writes).toBe(2);
    state.cookies.restore([['balancer', 'b']]);
    state.used();
    expect(store.writes).toBe(3);
  });
});

describe('a refused password', () => {
  test('is held back by the next start for what is left of half an hour', async () => {
    const first = await start();
    first.refuse(new PasswordRefused('HTTP 401'), first.connection);
    await first.keep();
    pass(20 * MINUTE_MS);
    const second = await start();
    expect(second.refused?.fault).toMatchObject({ code: 'qlik.password_refused', message: 'HTTP 401' });
    expect((second.refused?.untilMs ?? 0) - Date.now()).toBe(10 * MINUTE_MS);
    // The second start keeps it as it was, and not for another half an hour.
    await second.keep();
    pass(10 * MINUTE_MS);
    expect((await start()).refused).toBeUndefined();
    // An edited file is tried at once; the same one is not.
    expect(second.whyHeld({ ...second.connection, contentHash: 'edited' })).toBeUndefined();
  });

  test('is held back for half an hour at most, also after the clock was set back', async () => {
    const first = await start();
    first.refuse(new PasswordRefused('HTTP 401'), first.connection);
    await first.keep();
    pass(-600 * MINUTE_MS);
    expect(((await start()).refused?.untilMs ?? 0) - Date.now()).toBe(30 * MINUTE_MS);
  });
});

describe('the log-out at a stop', () => {
  const session: Answer = ({ path }) =>
    path === '/vp/qps/csrftoken'
      ? { status: 204, headers: { 'set-cookie': 'session=s1', 'qlik-csrf-token': 'token' } }
      : { json: { buildVersion: '31.62.0.0' } };
  /** A process that used the site and stops now. */
  const stop = async (dedicatedUser: boolean, answer: Answer) => {
    await using fake = await fakeSite(answer);
    const dialer = new Dialer();
    keepSessions(dialer, store);
    await using site = openSite(fake.connection({ dedicatedUser }), { dialer });
    await site.about();
    expect(store.kept?.cookies).toEqual([['session', 's1']]);
    const warned: string[] = [];
    await logOut(dialer, { ...SILENT, warn: (_, message) => warned.push(message) }, 100);
    return { warned, ended: fake.seen.filter(({ method }) => method === 'DELETE') };
  };

  test('ends the sessions of a user who is the agent alone, and keeps none', async () => {
    const { ended, warned } = await stop(true, session);
    expect(ended).toMatchObject([
      { path: '/vp/qps/user', headers: { cookie: 'session=s1', 'qlik-csrf-token': 'token' } },
    ]);
    expect(ended[0]?.query.get('xrfkey')).toBe(ended[0]?.headers['x-qlik-xrfkey']);
    expect([warned, store.kept?.cookies]).toEqual([[], []]);
  });

  test('leaves all others alone, who may be people', async () => {
    expect(await stop(false, session)).toEqual({ warned: [], ended: [] });
    expect(store.kept?.cookies.length).toBe(1);
  });

  test('does not wait for a site that does not answer', async () => {
    const { warned } = await stop(true, (asked) => (asked.method === 'DELETE' ? { silent: true } : session(asked)));
    expect(warned).toEqual([expect.stringContaining('could not log out')]);
    expect(store.kept?.cookies).toEqual([]);
  });
});
