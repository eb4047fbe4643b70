/**
 * Why a key store does not open: `password`: it is wrong (or the file was changed); `no_password`: it needs one;
 * `damaged`: the file ends early or is no store of its type; `unsupported`: a cipher or a structure that cannot be read;
 * `costly`: the password is hashed more often than is reasonable; `too_many`: too many certificates; `no_key`: a client
 * certificate without its private key, or the reverse.
 */
export type StoreFault = 'password' | 'no_password' | 'damaged' | 'unsupported' | 'costly' | 'too_many' | 'no_key';

/** A key store that does not open. The message says what was seen, never the password or anything out of the file. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly fault: StoreFault;

  constructor(fault: StoreFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** How many certificates one store may hold; that of a whole system has some 150. */
export const MAX_CERTIFICATES = 1000;
