/** `/engine/healthcheck`. */
import type { EngineContext } from './context.ts';

/** Memory figures in MiB; the number of open apps comes from the sessions, the rest from the record. */
export function healthOf({
  registry,
  record,
  faults,
  profile,
  startedAt,
}: EngineContext): Readonly<Record<string, unknown>> {
  const open = registry.sessions.flatMap((session) => (session.document ? [session.document] : []));
  const loaded = [...new Set(open.map((document) => document.appId))];
  const inMemory = [...new Set(open.filter((document) => document.withData).map((document) => document.appId))];
  const { saturated } = faults.settings;
  const calls = Object.values(record.snapshot().engine).reduce((sum, sizes) => sum + sizes.count, 0);
  return {
    version: profile.engineVersion,
    started: startedAt.toISOString().replaceAll(/[-:]/g, ''),
    mem: {
      committed: 812.5 + inMemory.length * 40,
      allocated: 731.25 + inMemory.length * 40,
      free: saturated ? 512 : 24_576,
    },
    cpu: { total: saturated ? 98 : 4 },
    session: { active: record.engineSockets.now, total: registry.sessions.length },
    apps: {
      active_docs: loaded,
      loaded_docs: loaded,
      in_memory_docs: inMemory,
      calls,
      selections: 0,
    },
    users: {
      active: new Set(registry.sessions.map(({ user }) => `${user.directory}\\${user.id}`)).size,
      total: new Set(registry.sessions.map(({ user }) => `${user.directory}\\${user.id}`)).size,
    },
    cache: { hits: 0, lookups: calls, added: 0, replaced: 0, bytes_added: 0 },
    saturated,
  };
}
