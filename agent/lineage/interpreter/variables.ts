import { namesSecret } from '#config/redaction/rules.ts';
import type { Expression } from '../syntax/expression.ts';
import { dateText, serialIn } from './dates.ts';
import { evaluate, type Scope } from './evaluate.ts';
import { askTables } from './known-tables.ts';
import type { Session } from './session.ts';
import type { State, Variable } from './state.ts';
import { hasHoles, hole, text, unknown, unmarked, type Value } from './values.ts';

/** The value of a variable in a state, or what the surroundings know of it when the text cannot tell. */
export const variableIn = (
  name: string,
  state: State,
  session: Session,
  learnt?: (name: string) => void,
): Variable | undefined => {
  const found = state.variables.get(name);
  if (found !== undefined && found.value.type !== 'unknown') return found;
  const outside = session.surroundings.variables?.get(name);
  if (outside === undefined || (outside.from !== 'mapping' && isSecret(name, text(outside.value)))) {
    if (found === undefined) session.want('variable', name);
    return found;
  }
  // What a variable of a loop was at the end of the last reload says nothing of the turns before.
  if (found !== undefined && found.version > 1 && outside.from !== 'mapping') return found;
  learnt?.(name);
  return { value: text(unmarked(outside.value)), version: found?.version ?? 0 };
};

export const setVariable = (name: string, value: Value, state: State, session: Session): void => {
  state.variables.set(name, {
    value: isSecret(name, value) ? unknown('secret') : value,
    version: session.version(name),
  });
};

const PLACE = /^\s*(?:$|lib:\/\/|[a-z]:[\\/]|\\\\|\.{1,2}[\\/])/i;

/**
 * A password or token by the variable's name, and neither empty nor the path of something: once it is expanded, nothing in
 * a name, path or expression shows what it is. So it is not known here, and `$(vPassword)` stays as it is written.
 */
const isSecret = (name: string, value: Value): boolean =>
  value.type !== 'unknown' &&
  namesSecret(name) &&
  !(value.type === 'text' ? [value] : value.options).every((option) => PLACE.test(option.text));

/** Evaluates an expression outside of LOAD. */
export const evaluateIn = (expression: Expression, state: State, session: Session): Value => {
  const scope: Scope = {
    variable: (name) => variableIn(name, state, session)?.value,
    expansion: (content) => {
      if (hasHoles(content)) return text(content.startsWith('$(') ? content : `$(${content})`);
      return text(hole(content, 0));
    },
    choice: () => session.choice(),
    tables: (name, args) => askTables(name, args, state, session.contents),
    shown: (value) => shown(value, state),
    dateOf: (content) => {
      const format = setTo('DateFormat', state);
      return format === undefined ? undefined : serialIn(content, format);
    },
  };
  return shown(evaluate(expression, scope), state);
};

/** A date or a month as text: in the format and with the names of the app, when the script says them. */
const shown = (value: Value, state: State): Value => {
  if (value.type !== 'text' || value.shown === undefined) return value;
  if (typeof value.shown === 'object') return text(value.shown.as);
  const number = Number(value.text);
  const written =
    value.shown === 'month'
      ? setTo('MonthNames', state)?.split(';')[number - 1]
      : dateText(number, setTo('DateFormat', state) ?? 'unknown');
  return written === undefined ? { type: 'unknown', reason: 'date-format', dual: value } : text(written);
};

const setTo = (name: string, state: State): string | undefined => {
  const value = state.variables.get(name)?.value;
  return value?.type === 'text' && !hasHoles(value.text) ? value.text : undefined;
};
