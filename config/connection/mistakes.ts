import type { HoconError } from '../hocon/error.ts';
import type { Field } from '../hocon/parser.ts';
import type { Source } from '../hocon/source.ts';
import type { Problems } from './problem.ts';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Turns what the parser says into what a person should do. */
export const explain = (error: HoconError, _source: Source | undefined, problems: Problems): void => {
  if (error.substitution?.[0] === 'secret_manager') {
    problems.error(
      'config.not_supported_yet',
      error.at,
      'Secret managers are not supported yet, so this substitution cannot be filled in.',
      'Write the secret into the file (readable only for the agent), or take it from the environment.',
    );
    return;
  }
  problems.error('config.syntax', error.at, `${capital(error.message)}.`);
};

/** Checks on the text itself: what is valid HOCON and yet hardly what was meant. */
export const checkFields = (fields: readonly Field[], problems: Problems): void => {
  for (const { empty, path, source, key } of fields)
    if (empty)
      problems.warn(
        'config.empty_value',
        source.at(key),
        `${path.join('.')} has no value; it counts as absent.`,
        `Write a value after ${path.join('.')} =, or delete the line.`,
      );
};
