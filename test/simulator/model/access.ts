import type { App, UserName } from './types.ts';

/** How section access tables spell a user: `DIRECTORY\user` in upper case. */
export const accessName = ({ directory, id }: UserName): string => `${directory}\\${id}`.toUpperCase();

/**
 * Whether section access lets this user open the app. Nobody passes by rank: an administrator who is not listed is refused
 * as anyone is, and so are the service accounts when they open the app as users.
 */
export const isAdmitted = (app: App, user: UserName): boolean =>
  app.admitted === null || app.admitted.includes(accessName(user));
