import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { runningDatabase } from '#catalog/store/embedded.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { type Program, startProgram } from '#test/demo/program.ts';
import { SimulatedSite } from '#test/demo/site.ts';
import type { Pki } from '#test/simulator/pki.ts';
import { cpuSeconds, peakResidentKiB, residentKiB } from '../processes.ts';

const run = promisify(execFile);
const CATALOG = join(import.meta.dirname, '..', '..', '..', 'catalog', 'main.ts');
const SAMPLE_MS = 250;
const WITHIN_MS = 3_600_000;

export interface StreamingCost {
  readonly records: number;
  readonly seconds: number;
  /** Of the agent's process: the kernel's own count of its peak, and the middle of what was resident during the crawl. */
  readonly peakMiB: number;
  readonly medianMiB: number;
  /** Before it got the job. */
  readonly idleMiB: number;
  readonly agentCpuSeconds: number;
}

/** A crawl of a whole simulated site by the agent as people run it, over TLS into a catalog with its own PostgreSQL. */
export const streamingCost = async ({
  folder,
  program,
  environment,
  apps,
  pki,
}: {
  readonly folder: string;
  /** The agent's entry. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly apps: number;
  readonly pki: Pki;
}): Promise<StreamingCost> => {
  await using stack = new AsyncDisposableStack();
  await mkdir(join(folder, 'site'), { recursive: true });
  await mkdir(join(folder, 'connections'), { mode: 0o700 });
  // As root, PostgreSQL is another user, who must get in.
  await chmod(folder, 0o711);
  const site = stack.use(
    await SimulatedSite.start({ folder: join(folder, 'site'), seed: 1, apps, readyWithinMs: 300_000 }),
  );
  await writeFile(join(folder, 'connections', 'demo.conf'), connectionFile(site.addresses), { mode: 0o600 });
  const data = join(folder, 'catalog');
  const { cert, key } = pki.server('valid');
  const [certFile, keyFile, rootFile] = ['cert.pem', 'key.pem', 'root.pem'].map((name) => join(folder, name));
  await writeFile(String(certFile), cert);
  await writeFile(String(keyFile), key, { mode: 0o600 });
  await writeFile(String(rootFile), pki.rootPem);
  const tls = ['--tls-cert', String(certFile), '--tls-key', String(keyFile)];
  const serve = [
    'serve',
    '--data',
    data,
    '--port',
    '0',
    '--init-organisation',
    'Bench',
    '--log-level',
    'warn',
    '--json',
  ];
  const catalog = stack.use(await startProgram('the catalog', CATALOG, [...serve, ...tls]));
  const token = await run(process.execPath, [CATALOG, 'token', 'create', '--enrolment', '--data', data, '--json']);
  const settings = join(folder, 'agent.conf');
  const { port } = new URL(String(catalog.ready['address']));
  await writeFile(
    settings,
    `gateway.url = "wss://localhost:${port}"
connections = "connections"
state = "state"
tls.truststore { path = "root.pem", type = "PEM" }
`,
  );
  const tokenFile = join(folder, 'enrolment-token');
  await writeFile(tokenFile, (JSON.parse(token.stdout) as { token: string }).token, { mode: 0o600 });
  await run(process.execPath, [program, 'enroll', '--config', settings, '--token-file', tokenFile]);
  const agent = stack.use(
    await startProgram('the agent', program, ['run', '--config', settings, '--json'], { env: environment }),
  );
  const sql = connect(runningDatabase(data) ?? '', { max: 2 });
  try {
    return await crawl(sql, agent);
  } finally {
    await sql.end({ timeout: 5 });
  }
};

const crawl = async (sql: Sql, agent: Program): Promise<StreamingCost> => {
  const started = performance.now();
  const late = (): boolean => performance.now() - started > WITHIN_MS;
  for (;;) {
    const [row] = await sql<{ organisationId: string }[]>`select organisation_id as "organisationId" from connection
      where code = 'demo' and status ->> 'state' = 'ready'`;
    if (row) {
      const idleKiB = residentKiB(agent.pid) ?? 0;
      const cpuBefore = cpuSeconds(agent.pid);
      const request = { connection: 'demo', kind: 'crawl', createdBy: 'bench' } as const;
      const { job } = await createJob(sql, row.organisationId, request);
      const begun = performance.now();
      const samples: number[] = [];
      for (let state = 'queued'; state !== 'published'; ) {
        if (late() || ['failed', 'cancelled'].includes(state))
          throw new Error(`the crawl is ${state}:\n${agent.tail()}`);
        await sleep(SAMPLE_MS);
        samples.push(residentKiB(agent.pid) ?? 0);
        const [now] = await sql<{ state: string }[]>`select state from job where id = ${job.id}`;
        state = now?.state ?? 'gone';
      }
      const seconds = (performance.now() - begun) / 1000;
      const [counted] = await sql<{ records: number }[]>`select sum(records)::float8 as records from published_scope
        where job_id = ${job.id}`;
      samples.sort((a, b) => a - b);
      return {
        records: counted?.records ?? 0,
        seconds: Math.round(seconds * 10) / 10,
        peakMiB: Math.round((peakResidentKiB(agent.pid) ?? 0) / 1024),
        medianMiB: Math.round((samples[samples.length >> 1] ?? 0) / 1024),
        idleMiB: Math.round(idleKiB / 1024),
        agentCpuSeconds: Math.round((cpuSeconds(agent.pid) - cpuBefore) * 10) / 10,
      };
    }
    if (late() || (await Promise.race([agent.ended.then(() => true), sleep(SAMPLE_MS)])))
      throw new Error(`the agent has no connection:\n${agent.tail()}`);
  }
};
