import { cpus, freemem, loadavg, release, totalmem, type, uptime, version } from 'node:os';

/** The machine and the runtime; of the environment the names alone. */
export const systemFacts = (env: Readonly<Record<string, string | undefined>>): unknown => ({
  node: process.versions,
  platform: `${process.platform}-${process.arch}`,
  system: { type: type(), release: release(), version: version(), uptimeSeconds: Math.round(uptime()) },
  cpus: { count: cpus().length, model: cpus()[0]?.model ?? null, load: loadavg() },
  memory: { totalBytes: totalmem(), freeBytes: freemem() },
  user: { uid: process.getuid?.() ?? null, gid: process.getgid?.() ?? null },
  time: { now: new Date().toISOString(), zone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  execArgv: process.execArgv,
  environmentNames: Object.keys(env).sort(),
});

const SECRET_NAME = /pass|pwd|secret|token|key|credential|auth/i;
/** Where a shell stands and stood. Were it taken for a password, every path below it would be hidden. */
const FOLDERS = new Set(['PWD', 'OLDPWD']);

/** Values of the environment that are secrets by the name of their variable. */
export const secretsOfEnvironment = (env: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(env).flatMap(([name, value]) =>
    SECRET_NAME.test(name) && !FOLDERS.has(name) && value !== undefined ? [value] : [],
  );
