#!/usr/bin/env node
import { runProgram } from '#agent/commands/program.ts';

await runProgram(process.argv);
