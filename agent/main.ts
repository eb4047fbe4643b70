#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { BUILD } from '#protocol/build.ts';

// The agent lives beside other programs on somebody's server and shall stay within 150 MB. V8 rather lets garbage pile up:
// it doubles its young space up to 16 MB and lets the old one grow to a multiple of what is alive. Both are decided while
// the modules load, so this comes before them.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=45');
// Collectors on threads of their own keep what dies meanwhile until the next time, and copy into pages of their own: 11 MB in
// the middle of a crawl, for no time that could be measured.
setFlagsFromString('--single-threaded-gc');
// Pages that the heap had once are otherwise never given back: after one large app 20 MB stay for good. And while old space is
// marked step by step nothing young is collected: there, too, it grew to six times its size.
setFlagsFromString('--memory-saver-mode');
setFlagsFromString('--no-separate-gc-phases');

// undici reads HTTP by WebAssembly. To compile its parser a second time, optimised, takes 23 MB at once, of which the
// allocator keeps a part for good; the parser waits for the network all the same.
setFlagsFromString('--liftoff-only');
setFlagsFromString('--no-wasm-tier-up');
setFlagsFromString('--no-wasm-dynamic-tiering');

// To import node:http as a module reads all its members, and three of them load a second undici for the sake of a browser's
// WebSocket: 14 MB for nothing.
const http = process.getBuiltinModule('node:http');
for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) Object.defineProperty(http, name, { value: undefined });

// What was compiled once is read from the disk the next time: it saves 20 MB and half of the start. In a folder of ours,
// not in the shared temporary one, since whoever can write there could change the program. A release has no such folder:
// there, whoever installs it names one in NODE_COMPILE_CACHE.
if (BUILD === undefined) enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'culvert'));

const { runProgram } = await import('#agent/commands/program.ts');
await runProgram(process.argv);
