import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** A secret that a person or program carries: 256 random bits behind a prefix that tells what it is for. */
export const newToken = (prefix: 'cvl' | 'cvs' | 'cva' | 'cve'): string =>
  `${prefix}_${randomBytes(32).toString('base64url')}`;

/** All that is kept of a token. It has 256 random bits, so a plain hash is enough. */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest();

const LOG_COST = 15;
const BLOCK = 8;
const PARALLEL = 1;
const KEY_BYTES = 32;

const derive = (password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { maxmem: 128 * 1024 * 1024, ...options }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );

/** `scrypt$logN$r$p$salt$key`, so that the cost can be raised later. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(16);
  const key = await derive(password, salt, { N: 2 ** LOG_COST, r: BLOCK, p: PARALLEL });
  return ['scrypt', LOG_COST, BLOCK, PARALLEL, salt.toString('base64'), key.toString('base64')].join('$');
};

/** What is compared when there is no such user: it takes as long and never matches. */
const NOBODY = `scrypt$${LOG_COST}$${BLOCK}$${PARALLEL}$${Buffer.alloc(16).toString('base64')}$${Buffer.alloc(KEY_BYTES).toString('base64')}`;

/** Compares in constant time; a missing hash takes as long as a wrong password. */
export const passwordMatches = async (password: string, hash: string | null | undefined): Promise<boolean> => {
  const [name, logCost, r, p, salt = '', key = ''] = (hash ?? NOBODY).split('$');
  if (name !== 'scrypt') return false;
  const wanted = Buffer.from(key, 'base64');
  const found = await derive(password, Buffer.from(salt, 'base64'), {
    N: 2 ** Number(logCost),
    r: Number(r),
    p: Number(p),
  });
  return hash != null && found.length === wanted.length && timingSafeEqual(found, wanted);
};
