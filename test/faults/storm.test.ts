import { afterAll, expect, test } from 'vitest';
import { type Aftermath, storm } from './storm.ts';

const AGENTS = 10_000;
const PER_SECOND = 200;
const IDEAL_MS = (AGENTS / PER_SECOND) * 1000;

const rows: (readonly [outageMs: number, seed: number, after: Aftermath])[] = [];
afterAll(() => {
  const table = rows.map(([outageMs, seed, { backMs, allBackMs, peakPerSecond, attemptsEach }]) =>
    [
      `${outageMs / 1000} s`.padStart(7),
      String(seed).padStart(5),
      `${(backMs / 1000).toFixed(1)} s`.padStart(9),
      `${(backMs / IDEAL_MS).toFixed(2)}`.padStart(9),
      `${(allBackMs / 1000).toFixed(1)} s`.padStart(9),
      String(peakPerSecond).padStart(15),
      attemptsEach.toFixed(2).padStart(14),
    ].join(' | '),
  );
  process.stdout.write(
    `${AGENTS} agents, ${PER_SECOND} handshakes a second, ideal ${IDEAL_MS / 1000} s\n outage |  seed | 99 % back | ÷ ideal | all back  | peak attempts/s | attempts/agent\n${table.join('\n')}\n`,
  );
});

test.each([2_000, 30_000, 300_000].flatMap((outageMs) => [1, 2, 3].map((seed) => [outageMs, seed] as const)))(
  'after an outage of %d ms (seed %d) 99 of 100 agents are back within 1.3 times the ideal',
  (outageMs, seed) => {
    const after = storm({ agents: AGENTS, perSecond: PER_SECOND, outageMs, seed });
    rows.push([outageMs, seed, after]);
    expect(after.backMs).toBeLessThanOrEqual(1.3 * IDEAL_MS);
    // Nobody is forgotten, and a fleet that returns is no attack.
    expect(after.allBackMs).toBeLessThanOrEqual(2 * IDEAL_MS);
    expect(after.attemptsEach).toBeLessThan(4);
  },
);
