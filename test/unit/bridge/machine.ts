import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Bridge, type BridgeOptions, startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import type { Identity } from '#agent/bridge/identity.ts';
import { systemClock } from '#agent/bridge/link-clock.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { quiet, someStatus } from './loopback.ts';
import { expectedScopes, type SiteShape } from './site.ts';

export const dialer = new Dialer();
/** As the real one, but a lost link is dialled again at once. */
const eager = { ...systemClock, random: () => 0.001 };

/** A machine with an agent, and the catalog that it knows. */
export class Machine {
  /** What the agent keeps. */
  folder = '';
  backend = new MemoryBackend({ nowMs: () => performance.now() });

  enrolAt(url: string, token = this.backend.newEnrolmentToken()): Promise<Identity> {
    return enrol({
      dialer,
      gatewayUrl: url,
      proxy: undefined,
      token: new Secret(token),
      name: 'test',
      version: '0.0.0',
      stateFolder: this.folder,
    });
  }

  bridgeTo(url: string, identity: Identity, options: Partial<BridgeOptions> = {}): Promise<Bridge> {
    return startBridge({
      settings: { gatewayUrl: url, proxy: undefined },
      identity,
      dialer,
      version: '0.0.0',
      spoolFolder: join(this.folder, 'spool'),
      status: () => someStatus(),
      handlers: {},
      log: quiet,
      clock: eager,
      ...options,
    });
  }

  /** All of the site is published, once, and nothing else. */
  expectPublished(site: SiteShape): void {
    const published = new Map([...this.backend.published].map(([scope, { lines }]) => [scope, lines]));
    expect(published).toEqual(expectedScopes(site));
    expect([...this.backend.published.values()].every(({ times }) => times === 1)).toBe(true);
    expect(this.backend.violations).toEqual([]);
  }
}

/** The machine of a test: a new one for each. */
export const machineOfEachTest = (): Machine => {
  const machine = new Machine();
  beforeEach(async () => {
    machine.folder = await mkdtemp(join(tmpdir(), 'culvert-bridge-'));
    machine.backend = new MemoryBackend({ nowMs: () => performance.now() });
  });
  afterEach(() => rm(machine.folder, { recursive: true, force: true }));
  return machine;
};
