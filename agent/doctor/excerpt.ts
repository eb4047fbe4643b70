import type { HttpReply } from '#agent/network/dialer.ts';

/** What a server says to people, without its markup, as a line of details; none when it says nothing. */
export const saying = (markup: string): readonly string[] => {
  const text = markup
    .replaceAll(/<(?:script|style)[\s\S]*?(?:<\/|$)/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? [] : [`the answer says: ${text.slice(0, 200)}`];
};

/** The same of an answer; none for data. */
export const excerpt = ({ mediaType, body }: HttpReply): readonly string[] =>
  mediaType === 'text/html' || mediaType === 'text/plain' ? saying(body.subarray(0, 4096).toString('utf8')) : [];
