// The long runs: `npm run faults -- <what> …`. The last line of each is one line of JSON with its figures.

/** Each answers with the exit code. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  simulation: async (args) => (await import('./simulation/command.ts')).simulation(args),
  fuzz: async (args) => (await import('./fuzz/command.ts')).fuzzing(args),
  processes: async (args) => (await import('./processes/command.ts')).processes(args),
};

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (!command) {
  process.stderr.write(`usage: npm run faults -- ${Object.keys(COMMANDS).join('|')} …\n`);
  process.exitCode = 2;
} else process.exitCode = await command(rest);
