import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AuditEntry } from '#agent/audit/entry.ts';
import { AUDIT_FOLDER } from '#agent/audit/files.ts';
import { readAudit } from '#agent/audit/verify.ts';
import { readIdentity } from '#agent/bridge/identity-file.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { Collected, Collector } from '#agent/operations/bundle/collect.ts';
import { redactedConfig } from '#agent/operations/bundle/redacted-config.ts';
import { redactedLines, redactedObject } from '#agent/operations/bundle/redacted-lines.ts';
import { secretsOfEnvironment, systemFacts } from '#agent/operations/bundle/system.ts';
import { askHealth } from '#agent/operations/health-client.ts';
import { notedHealth } from '#agent/operations/health-file.ts';
import { lastLines } from '#agent/operations/log-tail.ts';
import { spoolInventory } from '#agent/operations/spool-inventory.ts';
import { statusReport, statusScreen } from '#agent/operations/status-screen.ts';
import { leavingProblem } from '#config/connection/problem.ts';
import { isConnectionFileName } from '#config/folder/listing.ts';
import { scanFolder } from '#config/folder.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';
import { findStateFolder, loadSettings, type Settings } from '#config/settings.ts';
import { lookAtAgent } from './look-at-agent.ts';
import { openSecrets } from './secrets.ts';
import { VERSION } from './version.ts';

const LOG_BYTES = 10 * 1024 * 1024;
const AUDIT_ENTRIES = 1_000;
const DOCTOR_MS = 120_000;
const DOCTOR_BYTES = 8 * 1024 * 1024;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
type JsonObject = Parameters<typeof redactedObject>[0];
/** Through JSON, so that what is no plain value (a secret, a date) is what it prints as. */
const redacted = (value: unknown): string => json(redactedObject(JSON.parse(JSON.stringify(value)) as JsonObject));

/** Remembers every secret that this user can read, so that it is found wherever it stands. */
const learn = async (settings: Settings | undefined, stateFolder: string): Promise<void> => {
  for (const value of secretsOfEnvironment(process.env)) knownSecrets.add(value);
  knownSecrets.add(await readFile(join(stateFolder, 'secrets.key'), 'utf8').catch(() => ''));
  const identity = await readIdentity(stateFolder).catch(() => undefined);
  for (const key of [identity?.privateKey, identity?.next?.privateKey]) if (key !== undefined) knownSecrets.add(key);
  if (settings?.secretManager?.provider === 'file') redactedConfig(settings.secretManager.path);
};

const configFiles = (paths: readonly string[], folder: string): Collected => {
  const leftOut: string[] = [];
  const files = paths.flatMap((path) => {
    const text = redactedConfig(path);
    if (text !== undefined) return [{ name: `${folder}/${basename(path)}.txt`, text }];
    leftOut.push(`${basename(path)}: it cannot be parsed, so nothing is known of it`);
    return [];
  });
  return { files, leftOut };
};

const logFiles = async (path: string): Promise<Collected> => {
  const folder = dirname(path);
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => name === basename(path) || (name.startsWith(`${basename(path)}.`) && /\.\d+$/.test(name)))
    // The newest first: `agent.log`, `agent.log.1`, …
    .sort((a, b) => Number(/\.(\d+)$/.exec(a)?.[1] ?? 0) - Number(/\.(\d+)$/.exec(b)?.[1] ?? 0));
  const files: { name: string; text: string }[] = [];
  const leftOut: string[] = [];
  let room = LOG_BYTES;
  for (const name of names) {
    if (room <= 0) {
      leftOut.push(`${name}: the newest ${LOG_BYTES} bytes of the logs are enough`);
      continue;
    }
    const lines = await lastLines(join(folder, name), room);
    const { text, leftOut: odd } = redactedLines(lines);
    room -= lines.reduce((sum, line) => sum + line.length + 1, 0);
    files.push({ name: `logs/${name}`, text });
    if (odd > 0) leftOut.push(`${name}: ${odd} lines that cannot be parsed`);
  }
  return { files, leftOut: names.length === 0 ? [`There are no logs at ${path}`] : leftOut };
};

/** In a process of its own: it has a time limit, and what it finds must not stop the bundle. */
const doctor = (config: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = [
      ...process.execArgv,
      process.argv[1] ?? '',
      'doctor',
      '--json',
      '--timeout',
      '10',
      '--config',
      config,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], signal, killSignal: 'SIGKILL' });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= DOCTOR_BYTES) chunks.push(chunk);
    });
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });

const doctorFile = async (config: string, signal: AbortSignal): Promise<Collected> => {
  const text = await doctor(config, signal);
  try {
    return { files: [{ name: 'doctor.json', text: redacted(JSON.parse(text)) }] };
  } catch {
    throw new Error('the doctor printed nothing that can be read');
  }
};

const auditTail = async (folder: string): Promise<Collected> => {
  const entries: (AuditEntry | undefined)[] = [];
  let flawed = 0;
  for await (const { entry, flaw } of readAudit(folder)) {
    if (flaw !== undefined) flawed += 1;
    if (entry === undefined) continue;
    entries.push(entry);
    if (entries.length > AUDIT_ENTRIES) entries.shift();
  }
  const { text } = redactedLines(entries.map((entry) => JSON.stringify(entry)));
  return {
    files: [{ name: 'audit.ndjson', text }],
    leftOut:
      flawed === 0 ? [] : [`${flawed} entries of the audit log are not as they were written: culvert audit --verify`],
  };
};

/** All that goes into a bundle for the agent of these settings. */
export const bundleCollectors = (config: string, withDoctor: boolean): readonly Collector[] => {
  const stateFolder = findStateFolder(config) ?? 'state';
  const loaded = loadSettings(config);
  const { settings } = loaded;
  const connectionsFolder = settings?.connectionsFolder ?? join(dirname(config), 'connections');
  const limited = (name: string, limitMs: number, run: (signal: AbortSignal) => Promise<Collected>): Collector => ({
    name,
    limitMs,
    collect: run,
  });
  const one = (name: string, text: string): Collected => ({ files: [{ name, text }] });
  return [
    // First, since all that follows is redacted by what it finds.
    limited('secrets', 20_000, async (signal) => {
      await learn(settings, stateFolder);
      const secrets = settings === undefined ? undefined : openSecrets(settings, new Dialer(), undefined);
      const { states } = await scanFolder(connectionsFolder, { signal, secrets });
      return one('connections.json', redacted({ states }));
    }),
    limited('settings', 5_000, async () => {
      const found = configFiles([config], 'config');
      return {
        ...found,
        files: [
          ...found.files,
          { name: 'settings-problems.json', text: redacted({ problems: loaded.problems.map(leavingProblem) }) },
        ],
      };
    }),
    limited('connection files', 10_000, async () => {
      const names = (await readdir(connectionsFolder)).sort();
      const { files, leftOut = [] } = configFiles(
        names.filter(isConnectionFileName).map((name) => join(connectionsFolder, name)),
        'config/connections',
      );
      const others = names.filter((name) => !isConnectionFileName(name));
      return {
        files,
        leftOut: [...leftOut, ...others.map((name) => `${name}: no connection file; only its name is here`)],
      };
    }),
    limited('status', 20_000, async () => {
      const found = await lookAtAgent(config);
      return {
        files: [
          { name: 'status.txt', text: statusScreen(found, Date.now()) },
          { name: 'status.json', text: redacted(statusReport(found)) },
        ],
      };
    }),
    limited('metrics', 5_000, async () => {
      const noted = notedHealth(stateFolder);
      if (noted === undefined) return { files: [], leftOut: ['The agent does not run, or tells no figures.'] };
      return one('metrics.txt', (await askHealth(noted.port, '/metrics')).text);
    }),
    limited('logs', 60_000, () => logFiles(settings?.log.file ?? join(stateFolder, 'logs', 'agent.log'))),
    limited('audit', 20_000, () => auditTail(join(stateFolder, AUDIT_FOLDER))),
    limited('spool', 10_000, async () =>
      one('spool.json', redacted({ attempts: await spoolInventory(join(stateFolder, 'spool')) })),
    ),
    limited('identity', 5_000, async () => {
      const { agentId, keyId, organisation, keyMadeAt } = await readIdentity(stateFolder);
      return one('identity.json', json({ agentId, keyId, organisation, keyMadeAt: keyMadeAt ?? null }));
    }),
    limited('system', 5_000, async () =>
      one('system.json', json({ culvert: VERSION, ...(systemFacts(process.env) as object) })),
    ),
    ...(withDoctor ? [limited('doctor', DOCTOR_MS, (signal) => doctorFile(config, signal))] : []),
  ];
};
