import { join } from 'node:path';
import { z } from 'zod';
import { nodeDisk } from '#agent/spool/disk.ts';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';

export const IDENTITY_FILE = 'identity.json';

/** `identity.json`. Fields that came later are optional: an agent goes on with what an earlier release wrote. */
const StoredIdentity = z.object({
  version: z.literal(1),
  agentId: z.string(),
  keyId: z.string(),
  organisation: z.string(),
  /** PKCS #8, PEM. Made on this machine; it never leaves it. */
  privateKey: z.string(),
  /** When that key was made, ISO 8601, by this machine's clock. */
  keyMadeAt: z.string().optional(),
  /** A key that is about to follow. Which of the two the catalog knows is found out by trying. */
  next: z.object({ privateKey: z.string(), madeAt: z.string() }).optional(),
  /** The catalog's signing key (SPKI, base64 DER): pinned at enrolment, or signed by the one that was. */
  catalogKey: z.string(),
  /** Its predecessors, the latest last: jobs on the disk were signed by them. */
  earlierCatalogKeys: z.array(z.string()).optional(),
  /** Keyed hash of the id of the machine that it was made for. */
  machine: z.string().optional(),
});
export type StoredIdentity = Omit<z.infer<typeof StoredIdentity>, 'version'>;

/**
 * Reads the identity from the state folder.
 * @throws Fault `bridge.not_enrolled` when there is none or it cannot be used
 */
export const readIdentity = async (stateFolder: string): Promise<StoredIdentity> => {
  const path = join(stateFolder, IDENTITY_FILE);
  let bytes: Uint8Array;
  try {
    bytes = await nodeDisk.readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new Fault('bridge.not_enrolled', `There is no ${path}`);
    throw new Fault('bridge.not_enrolled', `${path} cannot be read (${errnoOf(error)})`, {
      advice: 'Let the agent read its state folder.',
      cause: error,
    });
  }
  try {
    const { version, ...stored } = StoredIdentity.parse(JSON.parse(Buffer.from(bytes).toString()));
    return stored;
  } catch {
    // The cause is left out: a parser may quote the key.
    throw damaged(stateFolder);
  }
};

export const damaged = (stateFolder: string): Fault =>
  new Fault('bridge.not_enrolled', `${join(stateFolder, IDENTITY_FILE)} is damaged`, {
    advice: 'Restore it from a backup, or run `culvert reset-identity` and enrol the agent again.',
  });

/** Stores the identity for this user only, whole or not at all. @throws Fault `spool.failed` */
export const storeIdentity = async (stateFolder: string, stored: StoredIdentity): Promise<void> => {
  try {
    await nodeDisk.makeFolder(stateFolder);
    const text = `${JSON.stringify({ version: 1, ...stored }, undefined, 2)}\n`;
    await nodeDisk.replaceFile(join(stateFolder, IDENTITY_FILE), Buffer.from(text));
  } catch (error) {
    throw new Fault('spool.failed', `The state folder ${stateFolder} cannot be written (${errnoOf(error)})`, {
      cause: error,
    });
  }
};

/** Fails early when nothing could be stored. @throws Fault `spool.failed` */
export const checkStateFolder = async (stateFolder: string): Promise<void> => {
  const probe = join(stateFolder, 'write-test');
  try {
    await nodeDisk.makeFolder(stateFolder);
    await nodeDisk.replaceFile(probe, Buffer.from('\n'));
    await nodeDisk.removeFile(probe);
  } catch (error) {
    throw new Fault('spool.failed', `The state folder ${stateFolder} cannot be written (${errnoOf(error)})`, {
      cause: error,
    });
  }
};
