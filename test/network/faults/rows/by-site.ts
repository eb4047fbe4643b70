import type { FaultSettings } from '#test/simulator/faults.ts';
import { file, header } from '../connections.ts';
import type { FaultRow } from '../row.ts';

export type Wish = Omit<FaultRow, 'connection' | 'site'>;
/** A row whose connection is good, on a site that is not. */
export const bySite = (faults: Partial<FaultSettings>, row: Wish): FaultRow => ({
  ...row,
  site: { faults },
  connection: (stage) => file(stage, header(stage)),
});
