import type { HttpReply } from '#agent/network/dialer.ts';

/** What an answer says to people, without its markup, as a line of details; none for data. */
export const excerpt = (reply: HttpReply): readonly string[] => {
  if (reply.mediaType !== 'text/html' && reply.mediaType !== 'text/plain') return [];
  const text = reply.body
    .subarray(0, 4096)
    .toString('utf8')
    .replaceAll(/<(?:script|style)[\s\S]*?(?:<\/|$)/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? [] : [`the answer says: ${text.slice(0, 200)}`];
};
