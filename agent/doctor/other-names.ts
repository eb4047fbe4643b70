import type { Visit } from './visit.ts';

const KINDS = { names: /^DNS:([a-z0-9_.-]+)$/i, all: /^(?:DNS|IP Address):([a-z0-9_.:-]+)$/i };

/** Names (with `all` addresses, too) in the certificate that the server showed, in lower case, without the one in use. */
export const otherNames = (
  { http }: Visit,
  used: string,
  kinds: keyof typeof KINDS,
  most: number,
): readonly string[] => {
  const names = (http.connected().certificate?.subjectAltName ?? '')
    .split(',')
    .flatMap((entry) => KINDS[kinds].exec(entry.trim())?.[1]?.toLowerCase() ?? []);
  return [...new Set(names)].filter((name) => name !== used.toLowerCase()).slice(0, most);
};
