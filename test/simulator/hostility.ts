/** What happens to the apps of a hostile site from outside, while they are read. */
import type { FaultSettings, Trigger } from './faults.ts';
import type { HostileKind, HostileSite } from './model/hostile.ts';
import type { Mutation } from './mutations.ts';
import type { Recorder } from './record.ts';

const idOf = ({ hostile }: HostileSite, what: HostileKind): string => {
  const app = hostile.find((one) => one.what === what);
  if (app === undefined) throw new RangeError(`no app with ${what}`);
  return app.id;
};

/** The faults of a hostile site: it answers in any order and says what nobody asked, too. */
export const hostileFaults = (site: HostileSite): Partial<FaultSettings> => {
  const of = (what: HostileKind, more: Trigger = {}): Trigger => ({ appId: idOf(site, what), ...more });
  return {
    outOfOrder: true,
    extraNotifications: 7,
    engineErrors: [
      { code: 15, ...of('storm of aborted calls', { probability: 0.4 }) },
      { code: 5006, ...of('storm of a busy engine', { method: 'OpenDoc', times: 2 }) },
    ],
    garbled: [of('garbage on the socket', { method: 'GetFullPropertyTree', times: 1 })],
    spoiled: [
      { path: idOf(site, 'page in place of the data model'), as: 'login-page' },
      { path: idOf(site, 'data model cut off'), as: 'truncated' },
      { path: '/engine/healthcheck', as: 'login-page', every: 2 },
      { path: '/engine/healthcheck', as: 'garbage' },
    ],
  };
};

/** Deletes one app and republishes another while they are read: each once. */
export const hostileEvents = (site: HostileSite, record: Recorder, mutate: (mutation: Mutation) => void): void => {
  const deleted = idOf(site, 'deleted while it is read');
  const republished = idOf(site, 'republished while it is read');
  const done = new Set<string>();
  record.onEvent((event) => {
    if (event.type !== 'engine' || event.method !== 'Doc.GetObjects' || event.appId === null) return;
    const { appId } = event;
    if ((appId !== deleted && appId !== republished) || done.has(appId)) return;
    done.add(appId);
    const at = new Date().toISOString();
    setImmediate(() =>
      mutate(
        appId === deleted
          ? { action: 'delete', appId }
          : { action: 'change', appId, change: { published: true, publishTime: at, modifiedDate: at } },
      ),
    );
  });
};
