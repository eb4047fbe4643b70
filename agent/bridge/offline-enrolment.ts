import { createPrivateKey, sign } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { nodeDisk } from '#agent/spool/disk.ts';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';
import { OfflineReply, type OfflineRequest, offlineRequestText } from '#protocol/package.ts';
import { Identity, nameOfKey, newKeyPair } from './identity.ts';
import { checkStateFolder, IDENTITY_FILE, storeIdentity } from './identity-file.ts';
import { nameMachine } from './machine.ts';

/** The key pair of a request that was not answered yet. Its private half never leaves this file. */
const PENDING_FILE = 'pending-enrolment.json';
const Pending = z.object({ version: z.literal(1), publicKey: z.string(), privateKey: z.string(), madeAt: z.string() });
type Pending = z.infer<typeof Pending>;

const readPending = async (stateFolder: string): Promise<Pending | undefined> => {
  try {
    return Pending.parse(JSON.parse(Buffer.from(await nodeDisk.readFile(join(stateFolder, PENDING_FILE))).toString()));
  } catch {
    // The cause is left out: a parser may quote the key.
    return undefined;
  }
};

/**
 * A request to be carried to the catalog by hand: the public half of a key that stays here, and the proof that it does.
 * Asked for again before it was answered, it is made of the same key.
 *
 * @throws Fault `spool.failed`, `bridge.enrolment_refused` when this machine has an identity
 */
export const offlineRequest = async (
  stateFolder: string,
  name: string,
  version: string,
): Promise<{ readonly request: OfflineRequest; readonly keyId: string }> => {
  await checkStateFolder(stateFolder);
  if (await hasIdentity(stateFolder))
    throw new Fault('bridge.enrolment_refused', `This machine is enrolled: ${join(stateFolder, IDENTITY_FILE)}`, {
      advice: 'Go on with that identity, or run `culvert reset-identity` first.',
    });
  const known = await readPending(stateFolder);
  const pending = known ?? { version: 1 as const, ...newKeyPair(), madeAt: new Date().toISOString() };
  if (known === undefined)
    await nodeDisk.replaceFile(join(stateFolder, PENDING_FILE), Buffer.from(`${JSON.stringify(pending)}\n`));
  const asked = { name: name.slice(0, 100), agentVersion: version.slice(0, 50), publicKey: pending.publicKey };
  const proof = sign(null, Buffer.from(offlineRequestText(asked)), createPrivateKey(pending.privateKey));
  return {
    request: { format: 'culvert enrolment request', version: 1, ...asked, proof: proof.toString('base64') },
    keyId: nameOfKey(Buffer.from(pending.publicKey, 'base64')),
  };
};

const hasIdentity = async (stateFolder: string): Promise<boolean> => {
  try {
    await nodeDisk.readFile(join(stateFolder, IDENTITY_FILE));
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
};

/**
 * Takes the catalog's answer: this machine has an identity from now on, with the catalog's key pinned.
 *
 * @throws Fault `bridge.enrolment_refused` for what is no answer to the request of this machine, `spool.failed`
 */
export const takeOfflineReply = async (stateFolder: string, text: string): Promise<Identity> => {
  const refuse = (message: string): Fault =>
    new Fault('bridge.enrolment_refused', message, {
      advice: 'Take the file that culvert-catalog agent add wrote for the request of this very machine.',
    });
  const pending = await readPending(stateFolder);
  if (pending === undefined) throw refuse('No request of this machine waits for an answer');
  const reply = z
    .string()
    .transform((raw, context): unknown => {
      try {
        return JSON.parse(raw);
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(OfflineReply)
    .safeParse(text);
  if (!reply.success) throw refuse('The file is no answer to a request');
  const { agentId, keyId, organisation, catalogKey } = reply.data;
  if (keyId !== nameOfKey(Buffer.from(pending.publicKey, 'base64')))
    throw refuse('The answer is for another key than that of this machine');
  const machine = (await nameMachine())?.(agentId);
  const stored = {
    agentId,
    keyId,
    organisation,
    catalogKey,
    privateKey: pending.privateKey,
    keyMadeAt: pending.madeAt,
    ...(machine === undefined ? {} : { machine }),
  };
  let identity: Identity;
  try {
    identity = new Identity(stored);
  } catch {
    throw refuse('The answer holds a key that is none');
  }
  await storeIdentity(stateFolder, stored);
  await nodeDisk.removeFile(join(stateFolder, PENDING_FILE));
  return identity;
};
