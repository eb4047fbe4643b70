// Runs the tests that are named for the mutations, each with its rule switched off, in one run of vitest. Tells in one
// line of JSON which of them failed.
import { pathToFileURL } from 'node:url';
import { startVitest } from 'vitest/node';
import { MUTATIONS } from './list.ts';
import { type Mutation, mutated, root } from './mutation.ts';

const only = process.argv.slice(2);
const chosen = MUTATIONS.flatMap((mutation) => {
  const { name, caughtBy } = mutation;
  const isChosen = only.length === 0 || only.includes(name);
  return isChosen && 'test' in caughtBy ? [{ name, mutation, testFile: caughtBy.file, test: caughtBy.test }] : [];
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const plugin = (mutation: Mutation) => ({
  name: `mutation-${mutation.name}`,
  enforce: 'pre' as const,
  transform(code: string, id: string): string | undefined {
    const path = id.split('?', 1)[0] ?? '';
    const isMeant = pathToFileURL(path).href === pathToFileURL(`${root}/${mutation.file}`).href;
    return isMeant ? mutated(mutation, code) : undefined;
  },
});

const vitest = await startVitest(
  'test',
  [],
  {
    root,
    config: false,
    watch: false,
    reporters: [{}],
    maxWorkers: 2,
    testNamePattern: chosen.map(({ test }) => escaped(test)).join('|'),
  },
  {
    test: {
      projects: chosen.map((one) => ({
        root,
        plugins: [plugin(one.mutation)],
        test: {
          name: one.name,
          include: [one.testFile],
          environment: 'node' as const,
          testTimeout: 20_000,
          hookTimeout: 60_000,
          pool: 'threads' as const,
        },
      })),
    },
  },
);

const results: Record<string, { state: string; message: string }[]> = {};
for (const module of vitest.state.getTestModules()) {
  const { name } = module.project;
  const wanted = chosen.find((one) => one.name === name)?.test ?? '';
  for (const test of module.children.allTests()) {
    if (!test.fullName.includes(wanted)) continue;
    const result = test.result();
    const message = result.errors?.[0]?.message ?? '';
    results[name] = [...(results[name] ?? []), { state: result.state, message: message.slice(0, 200) }];
  }
  for (const error of module.errors())
    results[name] = [...(results[name] ?? []), { state: 'broken', message: error.message.slice(0, 500) }];
}
await vitest.close();
process.stdout.write(`\n${JSON.stringify(results)}\n`);
process.exit(0);
