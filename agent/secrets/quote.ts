import type { Secret } from '#config/secret.ts';

const MAX_LENGTH = 300;

/** Looks like a credential, whoever sent it: tokens of Vault, JSON web tokens, long runs without a break. */
const CREDENTIALS =
  /\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?|[A-Za-z0-9+_=]{40,}/g;

/**
 * What a server said, fit for a message: one line of at most 300 characters, without what was sent in confidence (in the
 * spellings of URLs and JSON, too) and without what looks like a credential.
 */
export const quoted = (text: string, confidential: readonly (Secret | undefined)[] = []): string => {
  let safe = text;
  const values = confidential.flatMap((secret) => (secret === undefined ? [] : [secret.reveal().trim()]));
  for (const value of values.toSorted((a, b) => b.length - a.length))
    for (const spelling of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
      if (spelling !== '') safe = safe.replaceAll(spelling, '[redacted]');
  safe = safe
    .replace(CREDENTIALS, '[redacted]')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return safe.length <= MAX_LENGTH ? safe : `${safe.slice(0, MAX_LENGTH - 1)}…`;
};
