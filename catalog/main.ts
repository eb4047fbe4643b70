#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { BUILD } from '#protocol/build.ts';

// What was compiled once is read from the disk the next time, which halves the start. In a folder of ours, not in the shared
// temporary one, since whoever can write there could change the program. A release has no such folder.
if (BUILD === undefined) enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'culvert'));

const { runProgram } = await import('#catalog/commands/program.ts');
await runProgram(process.argv);
