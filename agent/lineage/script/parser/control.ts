import type { Expression } from '../../syntax/expression.ts';
import type { ControlStatement, Statement } from '../syntax.ts';
import type { Reader } from './reader.ts';

/** Words of control statements, as the splitter calls them. */
export type ControlKind =
  | 'if'
  | 'elseif'
  | 'else'
  | 'end'
  | 'end if'
  | 'end sub'
  | 'end switch'
  | 'sub'
  | 'call'
  | 'for'
  | 'next'
  | 'do'
  | 'loop'
  | 'switch'
  | 'case'
  | 'default'
  | 'exit';

const ENDS = { 'end if': 'endif', 'end sub': 'endsub', 'end switch': 'endswitch' } as const;

/** A control statement of a kind; the reader stands on its first word. */
export const takeControl = (reader: Reader, kind: ControlKind): Statement => {
  const start = reader.position;
  const finish = <T>(made: T): T & { readonly span: ControlStatement['span'] } => {
    reader.expectDone();
    return { ...made, span: reader.spanFrom(start) };
  };
  switch (kind) {
    case 'if':
    case 'elseif': {
      reader.at += reader.word() === 'else' ? 2 : 1;
      const condition = reader.needed('the condition');
      // At the end of a line the engine does without it.
      reader.takeWord('then');
      return finish({ type: kind, condition });
    }
    case 'else':
    case 'default':
      reader.at += 1;
      return finish({ type: kind });
    case 'end if':
    case 'end sub':
    case 'end switch':
      reader.at = reader.tokens.length;
      return finish({ type: ENDS[kind] });
    case 'end':
      return reader.fail('END needs IF, SUB or SWITCH behind it');
    case 'sub': {
      reader.at += 1;
      const name = reader.name('the name of the subroutine');
      const parameters = reader.is('(') ? reader.arguments().filter((one) => one !== '') : [];
      return finish({ type: kind, name, parameters });
    }
    case 'call': {
      reader.at += 1;
      const name = reader.name('the name of the subroutine');
      return finish({ type: kind, name, args: reader.is('(') ? takeArguments(reader) : [] });
    }
    case 'for':
      return finish(takeFor(reader));
    case 'next': {
      reader.at += 1;
      return finish({ type: kind, variable: reader.atName ? reader.name('a variable') : undefined });
    }
    case 'do':
    case 'loop': {
      reader.at += 1;
      const test = reader.takeWord('while', 'until') as 'while' | 'until' | undefined;
      return finish({ type: kind, test, condition: test && reader.needed('the condition') });
    }
    case 'switch':
      reader.at += 1;
      return finish({ type: kind, value: reader.needed('the value') });
    case 'case':
      reader.at += 1;
      return finish({ type: kind, values: takeItems(reader) });
    case 'exit': {
      reader.at += 1;
      const what = reader.expectWord('script', 'sub', 'for', 'do') as 'script' | 'sub' | 'for' | 'do';
      const test = reader.takeWord('when', 'unless') as 'when' | 'unless' | undefined;
      return finish({ type: kind, what, test, condition: test && reader.needed('the condition') });
    }
  }
};

const takeFor = (reader: Reader) => {
  reader.at += 1;
  if (reader.word() === 'each') {
    reader.at += 1;
    const variable = reader.name('the variable of the loop');
    reader.expectWord('in');
    return { type: 'foreach', variable, items: takeItems(reader) } as const;
  }
  const variable = reader.name('the variable of the loop');
  reader.expect('=');
  const first = reader.needed('the first value');
  reader.expectWord('to');
  const last = reader.needed('the last value');
  const step = reader.takeWord('step') === undefined ? undefined : reader.needed('the step');
  return { type: 'for', variable, first, last, step } as const;
};

const takeItems = (reader: Reader): Expression[] => {
  const items: Expression[] = [];
  do {
    // A comma at the end promises more than comes.
    if (reader.done && items.length > 0) break;
    items.push(reader.needed('a value'));
  } while (reader.skip(','));
  return items;
};

/** `(a, , b)`: one that was left out is an empty text. */
const takeArguments = (reader: Reader): Expression[] => {
  reader.expect('(');
  const args: Expression[] = [];
  if (reader.skip(')')) return args;
  for (;;) {
    const at = reader.behind;
    if (reader.is(',') || reader.is(')')) args.push({ type: 'text', value: '', span: { start: at, end: at } });
    else args.push(reader.needed('an argument'));
    if (reader.skip(',')) continue;
    reader.expect(')');
    return args;
  }
};
