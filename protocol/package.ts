import { z } from 'zod';
import { LIMITS } from './constants.ts';

/**
 * A crawl as one file that is carried to the catalog by hand. It is a row of chunks: a kind (one byte), a length (four
 * bytes, big-endian) and that many bytes. First `H` (header, JSON), then `B` for each batch (records and raw bytes, four
 * bytes each, and the lines packed with zstd), then `E` (end, JSON) and `S` (signature, 64 bytes). Nothing follows.
 */
export const PACKAGE_MAGIC = 'CULVERT\n';
export const PACKAGE_VERSION = 1;
export const PACKAGE_CHUNKS = { header: 0x48, batch: 0x42, end: 0x45, signature: 0x53 } as const;
export const PACKAGE_LIMITS = {
  /** Header and end are small; what is larger is none. */
  jsonBytes: 64 * 1024,
  /** The packed lines of a batch with their two counts: what fits into a frame of the tunnel. */
  batchBytes: LIMITS.dataBytes,
  /** Before packing; a record that is larger has a batch of its own. */
  rawBytes: 256 * 1024,
  /** A million records are 2,000 batches at least; a site of 10,000 apps has about ten million. */
  batches: 1_000_000,
} as const;

const Id = z.string().min(1).max(LIMITS.idChars);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const PackageHeader = z.object({
  version: z.int(),
  connection: z.object({ code: Id, name: z.string().max(LIMITS.textChars), url: z.string().max(LIMITS.textChars) }),
  /** Who made and signed it. */
  agentId: Id,
  keyId: Id,
  agentVersion: z.string().max(100),
  createdAt: z.iso.datetime(),
  codec: z.literal('zstd'),
});
export type PackageHeader = z.infer<typeof PackageHeader>;

export const PackageEnd = z.object({
  batches: z.int().nonnegative().max(PACKAGE_LIMITS.batches),
  records: z.int().nonnegative(),
  /** Before packing. */
  rawBytes: z.int().nonnegative(),
  /** Of all bytes from the beginning to the last batch. */
  sha256: Sha256,
});
export type PackageEnd = z.infer<typeof PackageEnd>;

/** What is signed: the hash of all that is before the signature, and who says so. */
export const packageText = (agentId: string, keyId: string, sha256: string): string =>
  `culvert package ${PACKAGE_VERSION}\n${agentId}\n${keyId}\n${sha256}`;

/** A request of an agent that cannot reach the catalog; the proof shows that it holds the key. */
export const OfflineRequest = z.object({
  format: z.literal('culvert enrolment request'),
  version: z.literal(1),
  name: z.string().min(1).max(100),
  agentVersion: z.string().max(50),
  /** Ed25519, SPKI, base64 DER. */
  publicKey: z.string().max(LIMITS.base64Chars),
  proof: z.string().max(LIMITS.base64Chars),
});
export type OfflineRequest = z.infer<typeof OfflineRequest>;

export const offlineRequestText = ({
  name,
  agentVersion,
  publicKey,
}: Pick<OfflineRequest, 'name' | 'agentVersion' | 'publicKey'>): string =>
  `culvert enrolment request 1\n${JSON.stringify([name, agentVersion, publicKey])}`;

/** The catalog's answer: who the agent is there, and the key to trust. */
export const OfflineReply = z.object({
  format: z.literal('culvert enrolment reply'),
  version: z.literal(1),
  agentId: Id,
  keyId: Id,
  organisation: z.string().max(LIMITS.textChars),
  catalogKey: z.string().max(LIMITS.base64Chars),
});
export type OfflineReply = z.infer<typeof OfflineReply>;

/** The name of a key such that two people can compare it by reading it out. */
export const fingerprint = (keyId: string): string => keyId.slice(0, 32).replace(/(.{4})(?=.)/g, '$1 ');
