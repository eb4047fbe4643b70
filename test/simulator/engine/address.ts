/** Where a client connects: `/app/{id}`, `/app/engineData`, `/app/`, each with `/identity/{x}` and `/ttl/{seconds}`. */
export interface EngineAddress {
  /** Null: no app in the path (`engineData`, nothing). */
  readonly appId: string | null;
  /** What the session is known by, beside the user: the app part of the path as it was sent. */
  readonly appPath: string;
  readonly identity: string;
  /** How long the session outlives its last socket; null: not said. */
  readonly ttlMs: number | null;
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** The address in a path without prefix and query; null when the path is no engine path. */
export function engineAddress(path: string): EngineAddress | null {
  const parts = path.split('/').filter((part, index) => index > 0 || part !== '');
  if (parts[0]?.toLowerCase() !== 'app') return null;
  let identity = '';
  let ttlMs: number | null = null;
  const rest = parts.slice(1);
  let appPath = '';
  if (rest[0] !== undefined && rest[0] !== 'identity' && rest[0] !== 'ttl') appPath = decoded(rest.shift() ?? '');
  for (let index = 0; index + 1 < rest.length; index += 2) {
    const value = decoded(rest[index + 1] ?? '');
    if (rest[index] === 'identity') identity = value;
    else if (rest[index] === 'ttl' && /^\d{1,6}$/.test(value)) ttlMs = Number(value) * 1000;
  }
  const appId = appPath === '' || appPath.toLowerCase() === 'enginedata' ? null : appPath;
  return { appId, appPath: appPath.toLowerCase(), identity, ttlMs };
}
