// Types of the three parts of node-forge that are used: the whole of it would cost an idle agent 11 MB. Texts are binary
// strings, one character a byte.
declare module 'node-forge/lib/asn1.js' {
  interface Asn1 {
    readonly tagClass: number;
    readonly type: number;
    readonly constructed: boolean;
    readonly value: string | readonly Asn1[];
  }
  interface Options {
    readonly strict: boolean;
    readonly parseAllBytes: boolean;
    readonly decodeBitStrings: boolean;
    readonly maxDepth: number;
  }
  const asn1: {
    fromDer(bytes: string, options: Options): Asn1;
    toDer(value: Asn1): { getBytes(): string };
    derToOid(bytes: string): string;
  };

  export type { Asn1 };
  export default asn1;
}

declare module 'node-forge/lib/util.js' {
  interface ByteBuffer {
    getBytes(): string;
  }
  const util: { createBuffer(bytes: string): ByteBuffer };

  export type { ByteBuffer };
  export default util;
}

declare module 'node-forge/lib/rc2.js' {
  import type { ByteBuffer } from 'node-forge/lib/util.js';

  interface Cipher {
    readonly output: ByteBuffer;
    start(iv: string): void;
    update(input: ByteBuffer): void;
    /** False when the padding is wrong. */
    finish(): boolean;
  }
  const rc2: {
    /** `bits` is the effective length of the key. */
    createDecryptionCipher(key: string, bits: number): Cipher;
  };
  export default rc2;
}
