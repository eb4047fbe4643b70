// Walks a route and prints its steps: a process of its own, because the system's authorities are read from the
// environment when a process starts. Standard input: `{ origin, tls }` as JSON.
import { text } from 'node:stream/consumers';
import type { Route } from '#agent/network/dialer.ts';
import { probeRoute } from '#agent/network/probe/route.ts';

const route = { proxy: undefined, ...(JSON.parse(await text(process.stdin)) as Omit<Route, 'proxy'>) };
const { steps } = await probeRoute(route);
process.stdout.write(
  JSON.stringify(
    steps.map(({ name, status, seen, fault }) => ({ name, status, seen, code: fault?.code, advice: fault?.advice })),
  ),
);
