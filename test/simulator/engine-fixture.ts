/** What the engine's tests share: choosing apps, opening them, making lists. */
import type { App } from './model/types.ts';
import { type Frame, outputOf, RawSocket } from './raw-client.ts';
import type { Simulator } from './simulator.ts';

/** An app that fits, the one with most sheets first. */
export const appWhere = (on: Simulator, fits: (app: App) => boolean): App => {
  const [app] = on.site.apps
    .filter(fits)
    .sort((a, b) => on.site.content(b.id).sheets.length - on.site.content(a.id).sheets.length);
  if (!app) throw new Error('no such app in this site');
  return app;
};

/** Everybody may open it, it was reloaded, and its data is in it. */
export const usual = (app: App): boolean => app.admitted === null && app.lastReloadTime !== null && !app.directQuery;

/** A session with that identity and the app open. @throws Error when it does not open */
export const open = async (on: Simulator, app: App, identity: string, noData = true): Promise<RawSocket> => {
  const socket = await RawSocket.direct(on, `/app/${app.id}/identity/${identity}`);
  outputOf(await socket.call('OpenDoc', -1, [app.id, '', '', '', noData]), 'qReturn');
  return socket;
};

export const handleOf = (frame: Frame): number => outputOf<{ qHandle: number }>(frame, 'qReturn').qHandle;

/** The layout of a session object with that definition, in the app of handle 1. */
export const list = async (
  socket: RawSocket,
  definition: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> => {
  const made = await socket.call('CreateSessionObject', 1, [{ qInfo: { qType: 'list' }, ...definition }]);
  return outputOf(await socket.call('GetLayout', handleOf(made)), 'qLayout');
};
