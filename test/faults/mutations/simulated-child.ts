// Plays the simulation with one rule switched off: told which by its parent, answers with the first seed that noticed.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MUTATIONS } from './list.ts';
import { mutated, root } from './mutation.ts';

const MARK = 'mutation';
const home = pathToFileURL(`${root}/`).href;

// Each mutation has modules of its own: the mark of the first one is handed on to all that it imports.
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const mark = context.parentURL && new URL(context.parentURL).searchParams.get(MARK);
    if (!mark || !found.url.startsWith(home) || found.url.includes('/node_modules/')) return found;
    const url = new URL(found.url);
    url.searchParams.set(MARK, mark);
    return { ...found, url: url.href };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const mark = url.startsWith('file:') ? new URL(url).searchParams.get(MARK) : null;
    const mutation = mark === null ? undefined : MUTATIONS.find(({ name }) => name === mark);
    if (!mutation || new URL(url).pathname !== new URL(mutation.file, home).pathname) return loaded;
    return { ...loaded, source: mutated(mutation, String(loaded.source)) };
  },
});

process.on('message', async ({ name, seeds }: { name: string; seeds: number }) => {
  const { runSeed } = (await import(`../simulation/run.ts?${MARK}=${name}`)) as typeof import('../simulation/run.ts');
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violation } = await runSeed(seed);
    if (!violation) {
      process.send?.({ name, alive: seed });
      continue;
    }
    process.send?.({ name, seed, rule: violation.rule, message: violation.message });
    return;
  }
  process.send?.({ name });
});
