// Lineage on scripts that cannot be in the project: `node test/lineage/main.ts <what> …`. The last line is one line of
// JSON with its figures.

/** Each answers with the exit code. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  corpus: async (args) => (await import('./measure/command.ts')).corpus(args),
};

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (!command) {
  process.stderr.write(`usage: node test/lineage/main.ts ${Object.keys(COMMANDS).join('|')} …\n`);
  process.exitCode = 2;
} else process.exitCode = await command(rest);
