import type { Secret } from '#config/secret.ts';
import { printable, shortened } from '#protocol/printable.ts';

const MAX_LENGTH = 300;

/** No more of a text is looked at: an answer may have 2 MiB, and what is quoted is its beginning. */
const MAX_READ = 4096;

/**
 * Looks like a credential, whoever sent it: tokens of Vault, JSON web tokens, long runs without a break. No pattern may
 * begin to match and then fail, or a long text would take long.
 */
const CREDENTIALS = /\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-][A-Za-z0-9_.-]*|[A-Za-z0-9+_=]{40,}/g;

/** The beginning of a text, without its last word when it was cut: that may be a part of a secret. */
const beginning = (text: string, spellings: readonly string[]): string => {
  if (text.length <= MAX_READ) return text;
  const start = text.slice(0, MAX_READ);
  const space = start.lastIndexOf(' ');
  const words = space > 0 ? start.slice(0, space) : start;
  // A secret may have spaces, too.
  const partial = Math.max(
    0,
    ...spellings.map((spelling) => {
      let length = Math.min(spelling.length - 1, words.length);
      while (length > 0 && !words.endsWith(spelling.slice(0, length))) length -= 1;
      return length;
    }),
  );
  return `${words.slice(0, words.length - partial)}…`;
};

/**
 * What a server said, fit for a message: one line of at most 300 characters, without what was sent in confidence (in the
 * spellings of URLs and JSON, too) and without what looks like a credential.
 */
export const quoted = (text: string, confidential: readonly (Secret | undefined)[] = []): string => {
  const values = confidential.flatMap((secret) => (secret === undefined ? [] : [secret.reveal().trim()]));
  const spellings = values
    .toSorted((a, b) => b.length - a.length)
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .filter((spelling) => spelling !== '');
  let safe = beginning(text, spellings);
  for (const spelling of spellings) safe = safe.replaceAll(spelling, '[redacted]');
  safe = printable(safe.replaceAll(CREDENTIALS, '[redacted]').replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')).trim();
  return shortened(safe, MAX_LENGTH);
};
