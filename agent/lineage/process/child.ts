import { endWithParent } from './end-with-parent.ts';
import { interpretOnce } from './interpret-once.ts';
import type { Reply, Request } from './messages.ts';
import { ScriptWork } from './script-work.ts';

// The process in which load scripts are interpreted, one at a time. It knows neither the site nor the catalog, has no file
// and no network of its own, and ends with the process that started it. Signals are for that one: a terminal and a service
// manager send theirs to both, and a script that is being worked on is part of a scope that is brought to its end.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
endWithParent();

const send = (reply: Reply): void => {
  process.send?.(reply);
};
const work = new ScriptWork(send, () => process.resourceUsage().maxRSS * 1024, interpretOnce);

process.on('message', (request: Request) => {
  void work.take(request);
});
send({ type: 'ready' });
