import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');

/** Modules with which a program reaches another machine. */
const WAYS_OUT =
  /^(?:(?:node:)?(?:net|tls|http|https|http2|dgram|dns|dns\/promises|inspector)|undici(?:\/.*)?|ws|(?:https|socks)-proxy-agent|socks|agent-base)$/;
/** Of them, what only computes. */
const PURE = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress']);
const GLOBALS = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']);

/** Everything in a source by which it could go out without the Dialer. Imports of types alone go nowhere. */
const waysOut = (text: string): string[] => {
  const { module, program, errors } = parseSync('source.ts', text);
  expect(errors).toEqual([]);
  const found: string[] = [];
  for (const { moduleRequest, entries } of module.staticImports) {
    const values = entries.filter((entry) => !entry.isType);
    const typesOnly = entries.length > 0 && values.length === 0;
    const pure = values.length > 0 && values.every((entry) => PURE.has(entry.importName.name ?? ''));
    if (WAYS_OUT.test(moduleRequest.value) && !typesOnly && !pure) found.push(moduleRequest.value);
  }
  for (const { entries } of module.staticExports)
    for (const { moduleRequest, isType } of entries)
      if (moduleRequest && WAYS_OUT.test(moduleRequest.value) && !isType) found.push(moduleRequest.value);
  for (const { moduleRequest } of module.dynamicImports) {
    const name = text.slice(moduleRequest.start, moduleRequest.end).replace(/^['"`]|['"`]$/g, '');
    if (WAYS_OUT.test(name) || !/^[#.\w@/:-]+$/.test(name)) found.push(`import(${name})`);
  }
  const local = new Set(module.staticImports.flatMap(({ entries }) => entries.map((entry) => entry.localName.value)));
  new Visitor({
    CallExpression: ({ callee }) => {
      if (callee.type === 'Identifier' && GLOBALS.has(callee.name) && !local.has(callee.name)) found.push(callee.name);
    },
    NewExpression: ({ callee }) => {
      if (callee.type === 'Identifier' && GLOBALS.has(callee.name) && !local.has(callee.name)) found.push(callee.name);
    },
    MemberExpression: ({ object, property }) => {
      const ofAll = object.type === 'Identifier' && (object.name === 'globalThis' || object.name === 'global');
      const name = property.type === 'Identifier' ? property.name : property.type === 'Literal' ? property.value : '';
      if (ofAll && GLOBALS.has(String(name))) found.push(`globalThis.${String(name)}`);
      // process.getBuiltinModule and require reach every module by name.
      if (name === 'getBuiltinModule' || name === 'createRequire') found.push(String(name));
    },
  }).visit(program);
  return found;
};

/** What needs none of the Dialer's ways, as it never leaves this machine; each with what in it is meant. */
const HERE: Readonly<Record<string, string>> = {
  'agent/main.ts': 'getBuiltinModule', // takes members of node:http away, before anybody loads it
  'agent/operations/health-server.ts': 'node:http', // listens on loopback
  'agent/operations/health-client.ts': 'node:http', // asks that server
};

const sources = globSync(['agent/**/*.ts', 'config/**/*.ts', 'protocol/**/*.ts'], { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !path.startsWith('agent/network/'));

test('nothing of the agent opens a connection but agent/network', () => {
  expect(sources.length).toBeGreaterThan(100);
  const found = sources.flatMap((path) =>
    waysOut(readFileSync(join(root, path), 'utf8')).map((way) => `${path}: ${way}`),
  );
  expect(found.sort()).toEqual(
    Object.entries(HERE)
      .map(([path, way]) => `${path}: ${way}`)
      .sort(),
  );
});

test.each([
  ["import { connect } from 'node:net'; connect(1);", 'node:net'],
  ["import net from 'net'; net.connect(1);", 'net'],
  ["import * as tls from 'node:tls'; tls.connect(1);", 'node:tls'],
  ["import { isIP, Socket } from 'node:net'; new Socket();", 'node:net'],
  ["import 'node:https';", 'node:https'],
  ["import { request } from 'undici';", 'undici'],
  ["import WebSocket from 'ws';", 'ws'],
  ["export { connect } from 'node:tls';", 'node:tls'],
  ["const { get } = await import('node:http');", 'import(node:http)'],
  ["const name = 'node:' + 'net'; await import(name + '');", "import(name + ')"],
  ["await fetch('https://example.com');", 'fetch'],
  ["new WebSocket('wss://example.com');", 'WebSocket'],
  ["globalThis.fetch('https://example.com');", 'globalThis.fetch'],
  ["globalThis['fetch']('https://example.com');", 'globalThis.fetch'],
  ["process.getBuiltinModule('node:net');", 'getBuiltinModule'],
])('would be found: %s', (text, way) => expect(waysOut(text)).toEqual([way]));

test.each([
  "import { isIP, BlockList } from 'node:net'; isIP('');",
  "import type { Socket } from 'node:net';",
  "import { type Dialer, type WebSocket } from '#agent/network/dialer.ts';",
  "import { fetch } from './mine.ts'; fetch('x');",
])('is no way out: %s', (text) => expect(waysOut(text)).toEqual([]));
