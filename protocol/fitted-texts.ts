import type { ErrorInfo } from './errors.ts';

/**
 * Texts that came from a site, short enough that no control message becomes too large by them: an app's name may be as
 * long as its author liked, and a message beyond 64 KiB would end the session, again at every try.
 */
const MAX_NAME = 200;
const MAX_MESSAGE = 4_000;

const cut = (text: string, most: number): string => (text.length <= most ? text : text.slice(0, most)).toWellFormed();

export const fitName = (name: string): string => cut(name, MAX_NAME);

export const fitError = ({ code, message, retryable, advice }: ErrorInfo): ErrorInfo => ({
  code,
  message: cut(message, MAX_MESSAGE),
  retryable,
  advice: cut(advice, MAX_MESSAGE),
});
