import { writeSync } from 'node:fs';
import { FAULT_POINTS, type FaultPoint, onFaultPoint } from '#protocol/fault-point.ts';

/*
 * Only in the bundles for tests: `CULVERT_FAULT_POINT=name:n` kills this process when that place is passed for the n-th
 * time. A parent with a channel (`stdio: [..., 'ipc']`) arms a running process by the message `{ arm: 'name:n' }`, counted
 * from then on, and calls it off by `{ arm: '' }`. SIGKILL, as a power cut would do it: nothing is flushed, no handler runs.
 */
let armed: { readonly name: FaultPoint; left: number } | undefined;

const arm = (text: string): void => {
  const [name, passages = '1'] = text.split(':');
  const known = FAULT_POINTS.find((one) => one === name);
  armed = known === undefined ? undefined : { name: known, left: Number(passages) };
  if (known === undefined && text !== '') throw new Error(`CULVERT_FAULT_POINT: there is no fault point ${name}`);
};

onFaultPoint((name) => {
  if (armed?.name !== name) return;
  armed.left -= 1;
  if (armed.left > 0) return;
  writeSync(2, `killed at ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
});
arm(process.env['CULVERT_FAULT_POINT'] ?? '');
process.on('message', (message: { readonly arm?: string }) => {
  if (message.arm !== undefined) arm(message.arm);
});
// The channel alone is no reason to go on living.
process.channel?.unref();
