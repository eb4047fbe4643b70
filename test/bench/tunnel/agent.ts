import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newKeyPair } from '#agent/bridge/identity.ts';
import { storeIdentity } from '#agent/bridge/identity-file.ts';
import type { BatchContent } from '#agent/spool/attempt-spool.ts';
import { nodeDisk } from '#agent/spool/disk.ts';
import { Spool } from '#agent/spool/spool.ts';
import type { EnrolReply, Lease } from '#protocol/messages.ts';
import { type Program, startProgram } from '#test/demo/program.ts';

const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

/** Filling the spool is not measured: it need not survive a power cut. */
const hastyDisk = {
  ...nodeDisk,
  create: async (path: string) => ({ ...(await nodeDisk.create(path)), datasync: async () => {} }),
};

/** An agent's folder: settings, identity, and a spool that is filled before the agent starts. */
export class BenchAgent {
  readonly folder: string;
  readonly keys: { readonly publicKey: string; readonly privateKey: string };

  constructor(folder: string) {
    this.folder = folder;
    this.keys = newKeyPair();
  }

  /** Writes what an administrator writes: settings, authority, one connection. */
  async configure(options: { gatewayUrl: string; rootPem: string; connection: string }): Promise<void> {
    await mkdir(join(this.folder, 'connections'), { recursive: true, mode: 0o700 });
    await writeFile(join(this.folder, 'root.pem'), options.rootPem);
    await writeFile(join(this.folder, 'connections', 'demo.conf'), options.connection, { mode: 0o600 });
    await writeFile(
      this.settings,
      `name = "bench"
gateway.url = "${options.gatewayUrl}"
connections = "connections"
state = "state"
tls.truststore { path = "root.pem", type = "PEM" }
`,
    );
  }

  get settings(): string {
    return join(this.folder, 'agent.conf');
  }

  get stateFolder(): string {
    return join(this.folder, 'state');
  }

  async takeIdentity(reply: EnrolReply): Promise<void> {
    await storeIdentity(this.stateFolder, { ...reply, privateKey: this.keys.privateKey });
  }

  /** Leaves in the spool what a crawl would have left while the link was down. */
  async fillSpool(lease: Lease, offer: { spec: string; signature: string }, batches: Iterable<BatchContent>) {
    const folder = join(this.stateFolder, 'spool');
    await rm(folder, { recursive: true, force: true });
    const spool = await Spool.open(folder, {
      disk: hastyDisk,
      quotaBytes: 8 * 1024 ** 3,
      segmentBytes: 16 * 1024 ** 2,
    });
    const { jobId, attempt, leaseToken } = lease;
    const record = { jobId, attempt, leaseToken, stream: 1, ...offer, acceptedAt: new Date().toISOString() };
    const filled = await spool.create(record);
    const { signal } = new AbortController();
    for (const batch of batches) await filled.append(batch, signal);
    await filled.seal('ok');
    await spool.close();
  }

  /** The agent itself, as people run it. */
  run(onLine: (line: string) => void): Promise<Program> {
    return startProgram('the agent', AGENT, ['run', '--config', this.settings, '--json'], { onLine });
  }
}
