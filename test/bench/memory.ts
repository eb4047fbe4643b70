import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openPki } from '#test/simulator/pki.ts';
import { machine, shippedAgent, shippedEnvironment, wholeNumber } from './figures.ts';
import { type IdleCost, idleCost } from './memory/idle.ts';
import { streamingCost } from './memory/streaming.ts';

/**
 * What the agent takes while it crawls a site of a million records, and what a gateway takes for each agent that is
 * connected and idle. The agent is the bundle that is shipped, in the environment that its service unit makes; `--program`
 * names another, and `--bare` leaves the environment as it is. Linux only: the figures are the kernel's.
 */
export const run = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      // A million records, with those of lineage among them.
      apps: { type: 'string', default: '1650' },
      agents: { type: 'string', default: '10000' },
      only: { type: 'string', default: 'agent,gateway' },
      program: { type: 'string' },
      bare: { type: 'boolean', default: false },
    },
  });
  const apps = wholeNumber('apps', values.apps);
  const agents = wholeNumber('agents', values.agents);
  const folder = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
  try {
    say(machine());
    const pki = openPki(join(folder, 'pki'), ['localhost', '127.0.0.1']);
    const figures: Record<string, number> = {};
    if (values.only.includes('agent')) {
      const program = values.program === undefined ? await shippedAgent(join(folder, 'dist')) : resolve(values.program);
      const environment = values.bare ? {} : await shippedEnvironment();
      const how = Object.entries(environment).map(([name, value]) => `${name}=${value} `);
      say(`agent: ${how.join('')}${program} run, a crawl of ${apps} apps, over TLS to a catalog with PostgreSQL`);
      const cost = await streamingCost({ folder: join(folder, 'crawl'), program, environment, apps, pki });
      say(
        `  ${cost.records} records in ${cost.seconds} s, ${cost.agentCpuSeconds} s of processor time; resident: ` +
          `peak ${cost.peakMiB} MiB (aim: 150), median ${cost.medianMiB} MiB, before the job ${cost.idleMiB} MiB`,
      );
      figures['agentPeakRssMiB'] = cost.peakMiB;
      figures['agentMedianRssMiB'] = cost.medianMiB;
      figures['records'] = cost.records;
    }
    if (values.only.includes('gateway')) {
      say(`gateway: ${agents} agents with open sessions that send heartbeats, after full collections`);
      const plain = await idleCost(agents, undefined);
      say(`  without TLS ${told(plain)} (aim: 60)`);
      const secure = await idleCost(agents, pki);
      say(`  with TLS    ${told(secure)}`);
      figures['gatewayKiBPerIdleAgent'] = plain.rssKiB;
      figures['gatewayKiBPerIdleAgentWithTls'] = secure.rssKiB;
      figures['idleAgents'] = agents;
    }
    say(JSON.stringify({ bench: 'memory', ...figures }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const told = ({ rssKiB, heapKiB, externalKiB }: IdleCost): string =>
  `${rssKiB} KiB resident for each, ${heapKiB} KiB of it in the heap, ${externalKiB} KiB in buffers`;
