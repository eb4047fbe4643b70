import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { leaveNote } from '#agent/audit/audit-log.ts';
import { AUDIT_FOLDER } from '#agent/audit/files.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import { nameOfKey } from '#agent/bridge/identity.ts';
import { offlineRequest, takeOfflineReply } from '#agent/bridge/offline-enrolment.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { Settings } from '#config/settings.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { fingerprint, OfflineReply } from '#protocol/package.ts';
import { printable } from '#protocol/printable.ts';
import { called } from './called.ts';
import { writeOwnFile } from './own-file.ts';
import { checkOwnFolder } from './own-folder.ts';
import { readSettings } from './settings.ts';
import { VERSION } from './version.ts';

export interface EnrollOptions {
  readonly config: string;
  readonly tokenFile?: string;
  readonly name?: string;
  /** Makes a request that is carried to the catalog by hand, or takes its answer. */
  readonly offline?: boolean;
  readonly out?: string;
  readonly reply?: string;
}

const readTokenFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('config.unreadable', `The token file ${file} cannot be read: ${asFault(cause).message}`, { cause });
  }
};

const TOKEN_VARIABLE = 'CULVERT_ENROL_TOKEN';

/** From a file, the environment or standard input; never from the arguments, which every user of the machine can see. */
const readToken = async (file: string | undefined): Promise<Secret> => {
  const token =
    file !== undefined
      ? readTokenFile(file).trim()
      : (process.env[TOKEN_VARIABLE] ?? (process.stdin.isTTY ? '' : await readAll(process.stdin))).trim();
  if (token === '') {
    throw new Fault('config.missing_key', 'There is no enrolment token', {
      advice: `Make one in the catalog under Agents; give it on standard input, with --token-file, or in ${TOKEN_VARIABLE}.`,
    });
  }
  return new Secret(token);
};

/** So that the first start finds it. Where it cannot be made, the start says so better than an enrolled agent could. */
const makeFolder = (folder: string): void => {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    process.stdout.write(`${printable(`Made the folder ${folder} for connection files.`)}\n`);
  } catch {
    // Told by `run`, with the reason.
  }
};

/** The request, or what the catalog answered: both are carried by hand, and hold nothing secret. */
const enrollOffline = async (settings: Settings, options: EnrollOptions): Promise<void> => {
  checkOwnFolder(settings.stateFolder);
  if (options.reply === undefined) {
    const name = options.name ?? settings.name ?? hostname();
    const { request, keyId } = await offlineRequest(settings.stateFolder, name, VERSION);
    const text = `${JSON.stringify(request, undefined, 2)}\n`;
    if (options.out === undefined) process.stdout.write(text);
    else writeOwnFile(options.out, text);
    process.stderr.write(
      `Key of this machine: ${fingerprint(keyId)}\nCarry the request to the catalog: culvert-catalog agent add REQUEST --out REPLY\n` +
        'Compare the key that it shows, then come back with its answer: culvert enroll --reply REPLY\n',
    );
    return;
  }
  let text: string;
  try {
    text = readFileSync(options.reply, 'utf8');
  } catch (cause) {
    throw new Fault('config.unreadable', `${options.reply} cannot be read: ${asFault(cause).message}`, { cause });
  }
  const identity = await takeOfflineReply(settings.stateFolder, text);
  await leaveNote(join(settings.stateFolder, AUDIT_FOLDER), {
    event: 'enrolled',
    agent: identity.agentId,
    organisation: identity.organisation,
    gateway: 'by hand',
  });
  process.stdout.write(`${printable(`Enrolled as agent ${identity.agentId} of ${identity.organisation}.`)}\n`);
  // Whoever carried the answer could have put another catalog's key into it.
  const { catalogKey } = OfflineReply.parse(JSON.parse(text));
  const catalog = fingerprint(nameOfKey(Buffer.from(catalogKey, 'base64')));
  process.stdout.write(`Key of the catalog: ${catalog} (compare it with what culvert-catalog agent add showed)\n`);
  process.stdout.write(`Make packages with: ${called()} crawl FILE --package OUT --config ${options.config}\n`);
};

/**
 * Makes an identity for this machine with a one-time token.
 *
 * @throws Fault when there is no token, or the catalog refuses it or cannot be reached
 */
export const enroll = async (options: EnrollOptions): Promise<void> => {
  const settings = readSettings(options.config);
  if (options.offline === true || options.reply !== undefined) {
    await enrollOffline(settings, options);
    return;
  }
  if (settings.gatewayUrl === undefined) {
    throw new Fault('config.missing_key', `${options.config} does not say where the catalog is`, {
      advice: 'Add gateway.url = "wss://catalog.example.com".',
    });
  }
  checkOwnFolder(settings.stateFolder);
  const identity = await enrol({
    dialer: new Dialer(),
    gatewayUrl: settings.gatewayUrl,
    tls: settings.tls,
    proxy: settings.proxy,
    token: await readToken(options.tokenFile),
    name: options.name ?? settings.name ?? hostname(),
    version: VERSION,
    stateFolder: settings.stateFolder,
  });
  await leaveNote(join(settings.stateFolder, AUDIT_FOLDER), {
    event: 'enrolled',
    agent: identity.agentId,
    organisation: identity.organisation,
    gateway: settings.gatewayUrl,
  });
  process.stdout.write(`${printable(`Enrolled as agent ${identity.agentId} of ${identity.organisation}.`)}\n`);
  makeFolder(settings.connectionsFolder);
  process.stdout.write(`Start it with: ${called()} run --config ${options.config}\n`);
};
