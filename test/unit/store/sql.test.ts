import { expect, test } from 'vitest';
import { connect } from '#catalog/store/sql.ts';

test('a pool whose connections were all lost at once is back within a second of its server', () => {
  const { backoff } = connect('postgres://nobody@127.0.0.1:9/none').options as unknown as {
    readonly backoff: (failures: number) => number;
  };
  // The driver counts what all connections of a pool have seen together.
  for (const failures of [1, 2, 16, 100, 10_000]) {
    expect(backoff(failures)).toBeGreaterThan(0);
    expect(backoff(failures)).toBeLessThanOrEqual(1);
  }
});
