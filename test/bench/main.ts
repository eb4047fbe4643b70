// `npm run bench -- <name> [options]`: measures, prints figures for people, and ends with one JSON object on a line.
import { run as crawl } from './crawl.ts';
import { run as lineage } from './lineage.ts';
import { run as memory } from './memory.ts';
import { run as tunnel } from './tunnel.ts';

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  crawl,
  lineage,
  memory,
  tunnel,
};

const [name, ...args] = process.argv.slice(2);
const bench = benches[name ?? ''];
if (bench) await bench(args);
else {
  process.stderr.write(`usage: npm run bench -- <name>\nnames: ${Object.keys(benches).join(', ')}\n`);
  process.exitCode = 2;
}
