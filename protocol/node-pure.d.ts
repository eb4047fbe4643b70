// What `protocol` may use of Node: pure functions of bytes. The room is compiled without Node's own types, so that a
// socket, a file, a timer or a clock is a type error here (see ./tsconfig.json).
declare module 'node:zlib' {
  /** CRC-32 (IEEE) of `data`. */
  export function crc32(data: string | Uint8Array, value?: number): number;
}
declare module 'node:crypto' {
  interface Hash {
    update(data: string | Uint8Array): Hash;
    digest(encoding: 'hex'): string;
  }
  export function createHash(algorithm: 'sha256'): Hash;
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
