import { expansionsIn } from '../syntax/lexer.ts';
import { parseExpression } from '../syntax/parser.ts';

/** What an expression says when its known variables have been put in. */
export interface Expanded {
  readonly text: string;
  /** Variables that expansions name, known or not, through others as well. */
  readonly variables: readonly string[];
  /** Some of them that are not known, or name themselves, or would make the text too long. */
  readonly unresolved: readonly string[];
}

const DEEPEST = 20;
const LONGEST = 200_000;
const MOST_EXPANSIONS = 1_000;
const PARAMETER = /\$(\d{1,3})/g;

/**
 * Puts the definitions of variables in the place of `$(v)`, `$(#v)` and `$(v(a,b))`, as the engine does before it reads an
 * expression. A definition that begins with `=` becomes `$(=…)`, since the engine puts what it gives there. What is not
 * known stays as it was written.
 *
 * @param definition of a variable by its name; undefined: not known
 */
export const expanded = (text: string, definition: (name: string) => string | undefined): Expanded => {
  if (!text.includes('$(')) return { text, variables: [], unresolved: [] };
  const variables = new Set<string>();
  const unresolved = new Set<string>();
  let count = 0;
  let length = 0;
  const put = (from: string, within: readonly string[]): string => {
    let result = '';
    let at = 0;
    for (const { start, end } of expansionsIn(from)) {
      result += from.slice(at, start) + one(from.slice(start + 2, end - 1), within);
      at = end;
    }
    return result + from.slice(at);
  };
  const one = (inner: string, within: readonly string[]): string => {
    count += 1;
    if (count > MOST_EXPANSIONS || within.length >= DEEPEST) return `$(${inner})`;
    if (/^\s*=/.test(inner)) return `$(${put(inner, within)})`;
    const name = nameIn(inner);
    if (name === '' || name.includes('$(')) return `$(${put(inner, within)})`;
    variables.add(name);
    const known = within.includes(name) ? undefined : definition(name);
    if (known === undefined || length + known.length > LONGEST) {
      unresolved.add(name);
      return `$(${put(inner, within)})`;
    }
    length += known.length;
    const args = argumentsOf(inner).map((arg) => put(arg, within));
    const filled = known.replace(PARAMETER, (written, digits: string) => {
      const value = Number(digits) === 0 ? String(args.length) : args[Number(digits) - 1];
      return length + (value?.length ?? 0) > LONGEST ? written : (value ?? written);
    });
    length += filled.length - known.length;
    const done = put(filled, [...within, name]);
    return /^\s*=/.test(done) ? `$(${done.trimStart()})` : done;
  };
  return { text: put(text, []), variables: [...variables], unresolved: [...unresolved] };
};

/** The variable that `v`, `#v` or `v(a, b)` names; empty when it is something else. */
const nameIn = (inner: string): string => {
  const [head = ''] = inner.split('(', 1);
  const name = head.trim().replace(/^#\s*/, '');
  return /[)=]/.test(name) ? '' : name;
};

/** The texts between the commas of `v(a, b)`; commas within parentheses and quotes are part of one. */
export const argumentsOf = (inner: string): readonly string[] => {
  const open = inner.indexOf('(');
  if (open === -1) return [];
  const { expression } = parseExpression(inner, { mode: 'chart', start: open });
  const call = expression.type === 'call' && expression.name === '' ? expression : undefined;
  if (call === undefined) return [];
  return call.args.map(({ span }) => inner.slice(span.start, span.end));
};
