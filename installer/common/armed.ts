import { writeSync } from 'node:fs';
import { FAULT_POINTS, type FaultPoint, onFaultPoint } from '#protocol/fault-point.ts';

/*
 * Only in the bundles for tests: `CULVERT_FAULT_POINT=name:n` kills this process when that place is passed for the n-th
 * time. A parent with a channel (`stdio: [..., 'ipc']`) arms a running process by the message `{ arm: 'name:n' }`, counted
 * from then on, calls it off by `{ arm: '' }`, and asks by `{ count: true }` how often each place was passed. SIGKILL, as a
 * power cut would do it: nothing is flushed, no handler runs.
 */
let armed: { readonly name: FaultPoint; left: number } | undefined;
const passed: Partial<Record<FaultPoint, number>> = {};

const arm = (text: string): void => {
  const [name, passages = '1'] = text.split(':');
  const known = FAULT_POINTS.find((one) => one === name);
  if (known === undefined && text !== '') throw new Error(`CULVERT_FAULT_POINT: there is no fault point ${name}`);
  armed = known === undefined ? undefined : { name: known, left: Number(passages) };
};

onFaultPoint((name) => {
  passed[name] = (passed[name] ?? 0) + 1;
  if (armed?.name !== name) return;
  armed.left -= 1;
  if (armed.left > 0) return;
  writeSync(2, `killed at ${JSON.stringify({ name, passed })}\n`);
  process.kill(process.pid, 'SIGKILL');
});
arm(process.env['CULVERT_FAULT_POINT'] ?? '');
process.on('message', (message: { readonly arm?: string; readonly count?: boolean }) => {
  if (message.arm !== undefined) arm(message.arm);
  if (message.count) process.send?.({ passed });
});
// Nothing of a test outlives it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// The channel alone is no reason to go on living.
process.channel?.unref();
