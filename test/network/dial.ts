// Makes one request through the Dialer and prints the status or the code of the fault: a process of its own, because who
// is trusted by default is read from the environment when a process starts. Standard input: `{ origin, tls }` as JSON.
import { text } from 'node:stream/consumers';
import { Dialer, type Route } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';

const route = JSON.parse(await text(process.stdin)) as Route;
try {
  const reply = await new Dialer().request(route, { path: '/', deadlineMs: 20_000 });
  process.stdout.write(String(reply.status));
} catch (error) {
  process.stdout.write(error instanceof Fault ? error.code : String(error));
}
