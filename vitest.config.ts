import { defineConfig } from 'vitest/config';

/** One project a lane: `npm run test:<lane>`. */
const lane = (name: string, include: string, extra = {}) => ({
  test: { name, include: [include], environment: 'node' as const, ...extra },
});
/** Tests wait for events, never for time: what bounds them is there for what hangs, not for a machine that is slow. */
const patience = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 30_000 } } };
/** Lanes with servers that fill the machine run their files one after another. */
const servers = { ...patience, fileParallelism: false };
/** These mostly wait for a database, a browser or a site: two files at a time take little more than half the time. */
const waiting = { ...patience, maxWorkers: 2 };

export default defineConfig({
  test: {
    // By itself vitest leaves a core free, which on two cores halves the speed of the lane `unit`.
    maxWorkers: '100%',
    projects: [
      lane('unit', 'test/unit/**/*.test.ts', patience),
      lane('simulator', 'test/simulator/**/*.test.ts', waiting),
      lane('faults', 'test/faults/**/*.test.ts', { ...servers, testTimeout: 300_000 }),
      lane('lineage', 'test/lineage/**/*.test.ts', patience),
      lane('catalog', 'test/catalog/**/*.test.ts', { ...waiting, globalSetup: ['test/catalog/server.ts'] }),
      lane('network', 'test/network/**/*.test.ts', servers),
      lane('browser', 'test/browser/**/*.test.ts', waiting),
    ],
  },
});
