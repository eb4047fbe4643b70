/**
 * How the messages of a link travel over plain HTTPS, for networks that let no WebSocket through. PROTOCOL.md is
 * normative. A body is a row of entries, each a kind (1 byte), a length (4 bytes, big-endian) and its bytes.
 */
import { LIMITS, SUBPROTOCOL } from './constants.ts';

/** Below `<prefix>` of the catalog; each is a POST. */
export const POLLING_PATHS = { open: '/v1/agent/open', poll: '/v1/agent/poll', send: '/v1/agent/send' } as const;

/** Names of headers, in lower case. */
export const POLLING_HEADERS = {
  /** On every answer of a gateway, also on a refused upgrade: what lacks it was said by something between. */
  gateway: 'culvert-gateway',
  /** The number of the first entry of a body. */
  first: 'culvert-first',
  /** The number of the last entry that was taken of what the other end sent. */
  received: 'culvert-received',
} as const;
/** The value of the header `gateway`, and of what `open` asks for. */
export const GATEWAY_NAME = SUBPROTOCOL;

export const POLLING = {
  /** How long a gateway holds a poll when there is nothing to say: below 30 s, the shortest idle limit that is common. */
  holdMs: 25_000,
  /** What one body gathers; nginx takes 1 MiB unless told otherwise. A single larger entry goes alone. */
  gatherBytes: 512 * 1024,
  /** The largest body: a data frame, and what was gathered before it. */
  bodyBytes: 2 * 1024 * 1024,
  /** The same before the agent has authenticated: `auth` and nothing else. */
  bodyBytesBefore: 128 * 1024,
  /** A handle without a session: how long the end of the session may still be fetched. */
  lingerMs: 30_000,
} as const;

export type PollingEntry =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string };

/** Bytes that are no row of entries. */
export class PollingError extends Error {
  override readonly name = 'PollingError';
}

const TEXT = 1;
const DATA = 2;
const CLOSE = 3;
const HEADER_BYTES = 5;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** One entry as it stands in a body. */
export const encodeEntry = (entry: PollingEntry): Uint8Array<ArrayBuffer> => {
  const close = entry.kind === 'close' ? encoder.encode(entry.reason) : undefined;
  const bytes =
    entry.kind === 'text' ? encoder.encode(entry.text) : entry.kind === 'data' ? entry.bytes : (close as Uint8Array);
  const extra = close === undefined ? 0 : 2;
  const out = new Uint8Array(HEADER_BYTES + extra + bytes.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, entry.kind === 'text' ? TEXT : entry.kind === 'data' ? DATA : CLOSE);
  view.setUint32(1, extra + bytes.length);
  if (entry.kind === 'close') view.setUint16(HEADER_BYTES, entry.code);
  out.set(bytes, HEADER_BYTES + extra);
  return out;
};

/** What one entry may hold: a control message, a frame; a close has a code and 123 bytes. */
const MOST: Readonly<Record<number, number>> = { [TEXT]: LIMITS.controlBytes, [DATA]: LIMITS.dataBytes, [CLOSE]: 125 };

/**
 * The entries of a body; data are views into it.
 * @throws PollingError
 */
export const decodeEntries = (body: Uint8Array): PollingEntry[] => {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const entries: PollingEntry[] = [];
  for (let at = 0; at < body.length; ) {
    if (body.length - at < HEADER_BYTES) throw new PollingError('an entry is cut in its header');
    const kind = view.getUint8(at);
    const length = view.getUint32(at + 1);
    const most = MOST[kind];
    if (most === undefined) throw new PollingError(`entries of kind ${kind} are not known`);
    if (length > most) throw new PollingError(`an entry of kind ${kind} has ${length} bytes, over ${most}`);
    at += HEADER_BYTES;
    if (body.length - at < length) throw new PollingError(`an entry of ${length} bytes is cut`);
    const bytes = body.subarray(at, at + length);
    if (kind === DATA) entries.push({ kind: 'data', bytes });
    else if (kind === TEXT) entries.push({ kind: 'text', text: textOf(bytes) });
    else if (length < 2) throw new PollingError('a close has no code');
    else entries.push({ kind: 'close', code: view.getUint16(at), reason: textOf(bytes.subarray(2)) });
    at += length;
  }
  return entries;
};

const textOf = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new PollingError('a text is not UTF-8');
  }
};

/** A number of an entry in a header; undefined when it is none. */
export const entryNumber = (text: unknown): number | undefined => {
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
};
