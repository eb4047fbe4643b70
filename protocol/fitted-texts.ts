import { LIMITS } from './constants.ts';
import type { ErrorInfo } from './errors.ts';

/**
 * Texts that came from a site, short enough that no control message becomes too large by them: an app's name may be as
 * long as its author liked, and a message beyond 64 KiB would end the session, again at every try.
 */
const MAX_NAME = LIMITS.idChars;
const MAX_MESSAGE = LIMITS.textChars;

const cut = (text: string, most: number): string => (text.length <= most ? text : text.slice(0, most)).toWellFormed();

export const fitText = (text: string): string => cut(text, MAX_MESSAGE);

export const fitName = (name: string): string => cut(name, MAX_NAME);

export const fitError = ({ code, message, retryable, advice }: ErrorInfo): ErrorInfo => ({
  code,
  message: cut(message, MAX_MESSAGE),
  retryable,
  advice: cut(advice, MAX_MESSAGE),
});

/** Scopes as far as there is room for them, over several calls; in UTF-8 a character has three bytes at most. */
export const fittedScopes = (roomBytes: number): ((scopes: readonly string[]) => string[]) => {
  let room = roomBytes;
  let count: number = LIMITS.publishedScopes;
  return (scopes) => {
    const fitted: string[] = [];
    for (const scope of scopes) {
      room -= 3 * scope.length + 3;
      count -= 1;
      if (room < 0 || count < 0) break;
      fitted.push(scope);
    }
    return fitted;
  };
};
