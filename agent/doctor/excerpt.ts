import type { HttpReply } from '#agent/network/dialer.ts';
import { leavingText } from '#config/redaction/leaving.ts';

/** What a server says to people, without its markup, as a line of details; none when it says nothing. */
export const saying = (markup: string): readonly string[] => {
  // Whoever reads the answer may have shown the server a password, which it repeats: on a screen, too, it is left out.
  const text = leavingText(markup)
    .replaceAll(/<(?:script|style)[\s\S]*?(?:<\/|$)/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? [] : [`the answer says: ${text.slice(0, 200)}`];
};

/** The same of an answer; none for data. */
export const excerpt = ({ mediaType, body }: HttpReply): readonly string[] =>
  mediaType === 'text/html' || mediaType === 'text/plain' ? saying(body.subarray(0, 4096).toString('utf8')) : [];
