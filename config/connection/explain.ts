import type { HoconError } from '../hocon/error.ts';
import type { Field } from '../hocon/parser.ts';
import type { Source } from '../hocon/source.ts';
import { isSecretKey, MAX_LINE, withoutComment } from './excerpt.ts';
import { QUOTE } from './mistakes.ts';
import type { Problems } from './problem.ts';

const ESCAPED = 'write every backslash twice';
const CLASSPATH = 'Write include "name.conf", with a file of the connections folder.';

interface Explanation {
  readonly message?: string;
  readonly advice: string;
}

/** Turns what the parser says into what a person should do. No value of a key that may hold a secret is repeated. */
export const explain = (
  error: HoconError,
  source: Source | undefined,
  fields: readonly Field[],
  problems: Problems,
): void => {
  if (error.substitution?.[0] === 'secret_manager') {
    problems.error(
      'config.invalid',
      error.at,
      'Secrets of the secret manager are for connection files: nothing can be taken from it here.',
      'Write the value as "encrypted:…" (culvert encrypt), as "file:…", or take it from the environment.',
    );
    return;
  }
  const torn =
    error.reason === 'unbalanced_close' || error.reason === 'expected_comma' || error.reason === 'trailing'
      ? tornAt(fields)
      : undefined;
  if (torn !== undefined) {
    problems.error('config.syntax', torn, 'This } ends the object, though it looks like part of a value.', QUOTE);
    return;
  }
  const whole = source?.line(error.at.line) ?? '';
  const line = whole.length > MAX_LINE ? '' : whole;
  const { message, advice } = explanation(error, line, fieldOf(error, line, fields));
  const text = message ?? error.message;
  // `connection:` alone on a line: in HOCON it has no value, in YAML it begins a block.
  const yaml = /^\w[\w.-]*:[ \t]*$/m.test(source?.text.replaceAll('\r', '') ?? '');
  const rename = yaml ? ' If this is YAML, let the name of the file end in .yaml.' : '';
  problems.error('config.syntax', error.at, `${text.charAt(0).toUpperCase()}${text.slice(1)}.`, `${advice}${rename}`);
};

/** A `}` that stands inside a word, as in `password = ab}cd`: the object ends there, and a later } closes nothing. */
const tornAt = (fields: readonly Field[]): HoconError['at'] | undefined => {
  for (const { source, tokens } of fields) {
    const [before, last] = tokens.slice(-2);
    if (last?.type !== '}' || before?.type !== 'text' || before.end !== last.start) continue;
    if (/[^\s,}#\]]/.test(source.text.charAt(last.end))) return source.at(last.start);
  }
  return undefined;
};

/** The field that the mistake is about: the one being read, or the one whose value ended before it on this line. */
const fieldOf = (error: HoconError, line: string, fields: readonly Field[]): readonly string[] | undefined => {
  if (error.field !== undefined) return error.field;
  const last = fields.findLast(({ source, key, empty }) => {
    const at = source.at(key);
    return !empty && at.file === error.at.file && at.line === error.at.line && at.column < error.at.column;
  });
  return line.trim() === '' ? undefined : last?.path;
};

/** The line with its value in quotes, when it may be shown; else what to do in words. */
const quoteLine = (line: string, field: readonly string[] | undefined): string => {
  const match = /^\s*([A-Za-z0-9_.-]+)\s*(\+=|[=:])\s*(.*?)\s*,?\s*$/.exec(withoutComment(line));
  const [, key = '', separator = '=', value = ''] = match ?? [];
  const last = key.split('.').at(-1);
  if (match === null || field === undefined || last !== field.at(-1) || isSecretKey(field)) return QUOTE;
  if (value === '' || value.length > 100 || value.includes('-----') || /\/\/.*[@?]/.test(value)) return QUOTE;
  return `Write ${key} ${separator} "${bodyOf(value)}".`;
};

/** What stands between the quotes, of a value in quotes of any kind or in none. */
const bodyOf = (value: string): string => {
  const inner = /^(["'])(.*)\1$/.exec(value)?.[2] ?? /^[“”„‟‘’‚‛«»](.*)[“”„‟‘’‚‛«»]$/.exec(value)?.[1] ?? value;
  return inner.replaceAll('\\\\', '\\').replaceAll('\\"', '"').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
};

const explanation = (error: HoconError, line: string, field: readonly string[] | undefined): Explanation => {
  const here = line[error.at.column - 1] ?? '';
  const path = /^\s*[^=:]*[=:]\s*"?[A-Za-z]:\\/.test(line);
  switch (error.reason) {
    case 'bad_escape':
    case 'bad_unicode_escape': {
      const fixed = quoteLine(line, field);
      const two = `\\\\${line[error.at.column] ?? ''}`;
      if (path)
        return {
          advice: `${fixed === QUOTE ? `Write every backslash twice.` : fixed} Or use forward slashes, or triple quotes: """C:\\certs\\x.pem""".`,
        };
      return { advice: fixed === QUOTE ? `Write two backslashes for one: "…${two}…".` : fixed };
    }
    case 'reserved_character':
      if (here === '\\')
        return {
          message: 'a backslash may stand only inside double quotes, and there it is written twice',
          advice:
            quoteLine(line, field) === QUOTE
              ? 'Put the value in double quotes and write every backslash twice: "DOMAIN\\\\user".'
              : quoteLine(line, field),
        };
      return { advice: quoteLine(line, field) };
    case 'unclosed_string':
      return /""\s*,?\s*$/.test(line.slice(0, error.at.column))
        ? { message: 'there is one quote too many here', advice: 'Delete it; a quote in a value is written \\".' }
        : { advice: `Close it with " on the same line; a quote inside it is written \\", and ${ESCAPED}.` };
    case 'control_in_string':
      return { advice: 'Write \\t for a tab, or use triple quotes: """…""".' };
    case 'unclosed_triple':
      return { advice: 'Close it with """.' };
    case 'unclosed_substitution':
      return { advice: `Close it with }. If it is no substitution but part of a value: ${lower(QUOTE)}` };
    case 'expected_comma':
    case 'expected_separator':
    case 'unbalanced_close':
    case 'trailing':
      return ended(error, line, field, here);
    case 'expected_value':
      return {
        advice: /["{[\w]/.test(here)
          ? 'Write a value after the sign.'
          : `Write a value. If ${here === '' ? 'the next character' : here} belongs to it: ${lower(QUOTE)}`,
      };
    case 'expected_key':
      return { advice: 'Write key = value on each line; a comma may stand only between two of them.' };
    case 'bad_path':
      return { advice: 'Write the key as a.b.c; a key with other characters stands in double quotes.' };
    case 'unclosed_object':
      return { advice: 'Add a } where the object ends. If the { belongs to a value, put that value in double quotes.' };
    case 'unclosed_list':
      return { advice: 'Add a ] where the list ends. If the [ belongs to a value, put that value in double quotes.' };
    case 'root_list':
      return { advice: 'Begin the file with name = "…".' };
    case 'include':
    case 'include_refused':
      return { advice: CLASSPATH };
    case 'include_missing':
      return { advice: 'Check the name; it is relative to this file. Without required( ) a missing file is no error.' };
    case 'plus_equals_in_list':
      return { advice: 'Move it out of the list.' };
    case 'undefined_substitution':
      return {
        advice: `Set the environment variable for the agent and start it again, or define the key in this file. If it is no substitution: ${lower(QUOTE)}`,
      };
    case 'cycle':
      return { advice: 'Write the value itself instead of a substitution that needs it.' };
    case 'mixed_concatenation':
      return { advice: `A value is a text, or an object, or a list. If it is a text: ${lower(QUOTE)}` };
    case 'limit':
      return { advice: 'Make the file simpler; a connection needs nothing of that size.' };
    default:
      return error.reason satisfies never;
  }
};

/** A character ended a value too early, or something follows that begins nothing. */
const ended = (error: HoconError, line: string, field: readonly string[] | undefined, here: string): Explanation => {
  if (field === undefined)
    return error.reason === 'unbalanced_close'
      ? { advice: 'Delete it, or add the { that it should close. In a value it stands in double quotes.' }
      : { advice: 'Write key = value, each on a line of its own.' };
  const before = line.slice(0, error.at.column - 1);
  if (error.reason === 'expected_separator' && before.includes(','))
    return { message: 'a comma ends a value, and what follows it is no key', advice: quoteLine(line, field) };
  if (':={}[],+'.includes(here) && here !== '')
    return {
      message: `the character ${here} may stand in a value only inside double quotes`,
      advice: quoteLine(line, field),
    };
  return { advice: quoteLine(line, field) };
};

const lower = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
