/// <reference path="./forge.d.ts" />
import asn1, { type Asn1 } from 'node-forge/lib/asn1.js';
import { StoreFailure } from './failure.ts';

/** One value of ASN.1. */
export type Der = Asn1;

const UNIVERSAL = 0x00;
const CONTEXT = 0x80;
const INTEGER = 2;
const OCTETS = 4;
const OBJECT_ID = 6;
const SEQUENCE = 16;
const SET = 17;

/** Deeper than any key store; a file that nests further is made to exhaust the stack. */
const MAX_DEPTH = 64;

const damaged = (): StoreFailure =>
  new StoreFailure('damaged', 'the file ends early, or its structure (ASN.1) is damaged');

/** Reads DER or BER; what follows the first value is ignored. Throws a {@link StoreFailure}. */
export const parseDer = (bytes: Buffer): Der => {
  try {
    const options = { strict: true, parseAllBytes: false, decodeBitStrings: false, maxDepth: MAX_DEPTH };
    return asn1.fromDer(bytes.toString('latin1'), options);
  } catch {
    throw damaged();
  }
};

const children = (node: Der | undefined, tagClass: number, type: number): readonly Der[] => {
  if (node === undefined || node.tagClass !== tagClass || node.type !== type) throw damaged();
  if (typeof node.value === 'string') throw damaged();
  return node.value;
};

export const sequence = (node: Der | undefined): readonly Der[] => children(node, UNIVERSAL, SEQUENCE);
export const set = (node: Der | undefined): readonly Der[] => children(node, UNIVERSAL, SET);
/** The one value inside `[0] EXPLICIT`. */
export const explicit0 = (node: Der | undefined): Der => {
  const inner = children(node, CONTEXT, 0)[0];
  if (inner === undefined) throw damaged();
  return inner;
};

/** An object identifier, as `1.2.840.…`. */
export const objectId = (node: Der | undefined): string => {
  if (node === undefined || node.type !== OBJECT_ID || typeof node.value !== 'string') throw damaged();
  if (node.value.length === 0 || node.value.length > 64) throw damaged();
  return asn1.derToOid(node.value);
};

/** A whole number from 0 to 2^32 - 1. */
export const smallNumber = (node: Der | undefined): number => {
  if (node === undefined || node.type !== INTEGER || typeof node.value !== 'string') throw damaged();
  const bytes = Buffer.from(node.value, 'latin1');
  const first = bytes[0];
  if (first === undefined || first > 127) throw damaged();
  const rest = first === 0 ? bytes.subarray(1) : bytes;
  if (rest.length > 4) return 0xffff_ffff;
  return rest.reduce((sum, byte) => sum * 256 + byte, 0);
};

/** True for a whole number: optional ones are told from what follows by their type. */
export const isNumber = (node: Der | undefined): boolean =>
  node !== undefined && node.tagClass === UNIVERSAL && node.type === INTEGER;

const pieces = (node: Der): Buffer => {
  if (typeof node.value === 'string') return Buffer.from(node.value, 'latin1');
  // BER may cut a string into pieces, as old versions of Windows and Mozilla did.
  return Buffer.concat(node.value.map((piece) => octets(piece)));
};

/** An OCTET STRING. */
export const octets = (node: Der | undefined): Buffer => {
  if (node === undefined || node.tagClass !== UNIVERSAL || node.type !== OCTETS) throw damaged();
  return pieces(node);
};

/** `[0] IMPLICIT OCTET STRING`. */
export const implicitOctets0 = (node: Der | undefined): Buffer => {
  if (node === undefined || node.tagClass !== CONTEXT || node.type !== 0) throw damaged();
  return pieces(node);
};

/** A value as DER again. */
export const encodeDer = (node: Der): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

/** The bytes of any string. */
export const textBytes = (node: Der | undefined): Buffer => {
  if (node === undefined || typeof node.value !== 'string') throw damaged();
  return Buffer.from(node.value, 'latin1');
};
