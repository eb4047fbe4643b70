import { Secret } from '../secret.ts';
import type { Place } from '../tree.ts';
import type { WindowsLogin } from './connection.ts';
import type { Problems } from './problem.ts';
import type { Placed, Values } from './values.ts';

const USERNAME = 'connection.auth.username';
const PASSWORD = 'connection.auth.password';
const ADVICE = `Write ${USERNAME} = "DOMAIN\\\\user" (two backslashes inside double quotes), or "user@domain".`;
/** What Windows allows neither in a domain nor in a user name; blanks and dots stand inside of either. */
const FORBIDDEN = /["[\]:;|=,+*?<>\\/]|\p{Cc}/u;

/** Reads the Windows user and the password. Undefined when wrong, which is reported. */
export const readWindowsLogin = (
  values: Values,
  problems: Problems,
  at: Place | undefined,
): WindowsLogin | undefined => {
  const username = values.text(USERNAME);
  const password = values.text(PASSWORD);
  const method = values.text('connection.auth.method')?.value;
  if (username === undefined && !problems.explained.has(USERNAME))
    problems.error('config.missing_key', values.placeOf(USERNAME) ?? at, `${USERNAME} is missing.`, ADVICE);
  if (password === undefined)
    problems.error('config.missing_key', values.placeOf(PASSWORD) ?? at, `${PASSWORD} is missing.`);
  if (password !== undefined && /\p{Cc}/u.test(password.value) && !problems.explained.has(PASSWORD))
    problems.error(
      'config.invalid',
      password.at,
      `${PASSWORD} holds a control character, which no keyboard types.`,
      'A backslash inside double quotes is written twice; or put the password in triple quotes.',
    );
  const who = username === undefined ? undefined : splitUser(username, problems);
  if (who === undefined || password === undefined) return undefined;
  return {
    type: 'windows',
    ...who,
    password: new Secret(password.value),
    method: method === 'ntlm' || method === 'forms' ? method : 'auto',
  };
};

/** `DOMAIN\user`, `DOMAIN/user`, `user@domain`, `.\user` and `user`, in parts. Undefined when wrong, which is reported. */
const splitUser = (given: Placed<string>, problems: Problems): Pick<WindowsLogin, 'domain' | 'user'> | undefined => {
  const refuse = (message: string, advice = ADVICE): undefined => {
    // What the text itself shows (quotes, escapes) was said more precisely already.
    if (!problems.explained.has(USERNAME)) problems.error('config.invalid', given.at, `${USERNAME} ${message}`, advice);
    return undefined;
  };
  const text = given.value.trim();
  if (/[\\/]{2}/.test(text))
    return refuse(
      'has two backslashes (or slashes) in a row.',
      'Between double quotes write two backslashes, not four; between other quotes, or without any, write one.',
    );
  const [first = '', ...rest] = text.split(/[\\/]/);
  if (rest.length > 1) return refuse('has more than one backslash.');
  const [named] = rest;
  const domain = named === undefined ? undefined : first.trim();
  const user = (named ?? first).trim();
  if (domain === '' || user === '') return refuse(`has no ${user === '' ? 'user' : 'domain'} beside the backslash.`);
  if (FORBIDDEN.test(domain ?? '') || FORBIDDEN.test(user))
    return refuse('holds a character that no name in Windows can have.');
  if (domain !== undefined && user.includes('@'))
    return refuse(
      'names the domain twice, before the backslash and after the @.',
      'Write either "DOMAIN\\\\user" or "user@domain".',
    );
  if (user.includes('@')) {
    if (!/^[^@]+@[^@]+$/.test(user)) return refuse('is not of the form user@domain.');
    // A user principal name is one name: Windows itself looks up the domain (MS-NLMP 3.1.5.1.2).
    return { domain: '', user };
  }
  return { domain: domain === '.' ? { of: 'server' } : domain, user };
};
