import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

/** An address as the system's resolver gives it. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/** What a probe asks of the machine, so that tests can have another one. */
export interface ProbeSystem {
  /** As connections resolve names: hosts file, then DNS, all addresses of both families in the system's order. */
  lookup(name: string): Promise<readonly Address[]>;
  /** A TCP connection to one address, or to all of a name as node does it (each in turn, a quarter second apart). */
  connect(host: string, port: number): Socket;
  /** The text of the hosts file; empty when it cannot be read. */
  hostsFile(): Promise<string>;
  /** Milliseconds since 1970 by this machine's clock. */
  nowMs(): number;
}

const HOSTS =
  process.platform === 'win32'
    ? join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts')
    : '/etc/hosts';

export const thisMachine: ProbeSystem = {
  lookup: (name) => lookup(name, { all: true }),
  connect: (host, port) => connect({ host, port }),
  hostsFile: () => readFile(HOSTS, 'utf8').catch(() => ''),
  nowMs: Date.now,
};
