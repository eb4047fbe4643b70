import type { Connection } from '#catalog/api/contract.ts';
import { Marked } from './text.tsx';

/** Why the agent's own policy never lets this be asked of a connection; undefined when it may be asked. */
export const refusalOf = ({ status }: Pick<Connection, 'status'>, kind: string, option?: string): string | undefined =>
  status.refuses?.find((one) => one.kind === kind && (one.option === undefined || one.option === option))?.why;

/** The policy's word beside what it forbids. */
export const Forbidden = ({ why, id }: { why: string; id: string }) => (
  <span class="quiet reason" id={id}>
    The policy of the agent does not allow it: <Marked text={why} />
  </span>
);
