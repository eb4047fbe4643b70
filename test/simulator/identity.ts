import type { UserName } from './model/types.ts';

/** One text per user, for maps and for comparing. */
export const userKey = (user: UserName): string => `${user.directory}\\${user.id}`.toLocaleLowerCase('en');

/** `INTERNAL\sa_api` and the other service accounts see and may do everything. */
export const isServiceAccount = (user: UserName): boolean =>
  user.directory.toUpperCase() === 'INTERNAL' && user.id.toLowerCase().startsWith('sa_');

const decoded = (value: string): string | null => {
  try {
    return decodeURIComponent(value.trim());
  } catch {
    return null;
  }
};

/**
 * The user in `X-Qlik-User: UserDirectory=<dir>; UserId=<id>`. The names compare without regard to case, a blank after
 * the semicolon is optional, the values are percent-encoded UTF-8. Null when anything else stands there: a directory or
 * an id is missing or empty, a name is repeated, a percent sign starts no valid code, or raw bytes above ASCII came.
 */
export function parseQlikUser(header: string | undefined): UserName | null {
  if (header === undefined || /[^\x20-\x7e]/.test(header)) return null;
  const values = new Map<string, string>();
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) {
      if (part.trim() === '') continue;
      return null;
    }
    const name = part.slice(0, equals).trim().toLowerCase();
    const value = decoded(part.slice(equals + 1));
    if (value === null || value === '' || values.has(name)) return null;
    values.set(name, value);
  }
  const directory = values.get('userdirectory');
  const id = values.get('userid');
  return directory === undefined || id === undefined ? null : { directory, id };
}

/** The header value that {@link parseQlikUser} reads. */
export const qlikUserHeader = (user: UserName): string =>
  `UserDirectory=${encodeURIComponent(user.directory)}; UserId=${encodeURIComponent(user.id)}`;
