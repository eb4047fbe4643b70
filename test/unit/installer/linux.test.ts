import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FINAL_EXIT_CODES } from '#agent/commands/exit-codes.ts';

/** Part of systemd; where it is missing, this file's own reading of the unit has to do. */
const ANALYZE = 'systemd-analyze';
const file = join(import.meta.dirname, '../../../installer/linux/culvert.service');
const text = readFileSync(file, 'utf8');

/** `key=value` lines by section; a key may come several times. */
const sections = (): Map<string, Map<string, string[]>> => {
  const all = new Map<string, Map<string, string[]>>();
  let current = new Map<string, string[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const section = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (section !== undefined) {
      current = new Map();
      all.set(section, current);
    } else if (key !== undefined && value !== undefined) current.set(key, [...(current.get(key) ?? []), value]);
    else throw new Error(`line ${index + 1} is neither a section nor a setting: ${line}`);
  }
  return all;
};

const service = sections().get('Service') ?? new Map<string, string[]>();
const hasSystemd = spawnSync(ANALYZE, ['--version']).status === 0;

test('the unit has its three sections, and starts the agent as a user of its own', () => {
  expect([...sections().keys()]).toEqual(['Unit', 'Service', 'Install']);
  expect(service.get('ExecStart')).toEqual([
    '/opt/culvert/node /opt/culvert/culvert.mjs run --config /etc/culvert/agent.conf',
  ]);
  expect(service.get('User')).toEqual(['culvert']);
  // Nothing of it listens, and its standard input is closed: it may not be asked to stop by that.
  expect(text).not.toContain('--stop-on-stdin');
});

test('it is started again after every end but those that a person has to mend', () => {
  expect(service.get('Restart')).toEqual(['on-failure']);
  expect(service.get('RestartPreventExitStatus')).toEqual([FINAL_EXIT_CODES.join(' ')]);
});

test('it can gain nothing and write nothing but its state', () => {
  for (const [key, value] of Object.entries({
    NoNewPrivileges: 'yes',
    CapabilityBoundingSet: '',
    ProtectSystem: 'strict',
    ProtectHome: 'yes',
    PrivateDevices: 'yes',
    StateDirectoryMode: '0700',
    UMask: '0077',
  }))
    expect([key, service.get(key)]).toEqual([key, [value]]);
  expect(service.has('ReadWritePaths')).toBe(false);
  // Node compiles to memory that it runs.
  expect(service.has('MemoryDenyWriteExecute')).toBe(false);
});

test.skipIf(!hasSystemd)('systemd understands all of it, and finds it well shut in', () => {
  const root = mkdtempSync(join(tmpdir(), 'culvert-unit-'));
  try {
    // The program has to be there for it.
    mkdirSync(join(root, 'opt/culvert'), { recursive: true });
    const program = join(root, 'opt/culvert/node');
    writeFileSync(program, '#!/bin/true\n');
    chmodSync(program, 0o755);
    const unit = join(root, 'culvert.service');
    writeFileSync(unit, text.replace('ExecStart=/opt/culvert/node', `ExecStart=${program}`));
    const verified = spawnSync(ANALYZE, ['verify', unit], { encoding: 'utf8' });
    expect(verified.stderr.split('\n').filter((line) => line.includes('culvert'))).toEqual([]);
    expect(verified.status).toBe(0);
    const rated = spawnSync(ANALYZE, ['security', '--offline=true', '--threshold=20', file], {
      encoding: 'utf8',
    });
    expect(rated.status, rated.stdout).toBe(0);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
