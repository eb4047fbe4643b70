import type { ControlStatement } from '../script/syntax.ts';
import type { Expression } from '../syntax/expression.ts';
import { type Block, within } from './blocks.ts';
import { isTrue } from './evaluate.ts';
import { valuesOfField } from './known-tables.ts';
import { fromNumber, toNumber } from './numbers.ts';
import type { Frame, Runner } from './runner.ts';
import type { State } from './state.ts';
import { placeOf, type Unit } from './units.ts';
import { asPattern, hasHoles, text, unknown, type Value } from './values.ts';
import { setVariable } from './variables.ts';

type Loop = Extract<Block, { readonly type: 'loop' }>;

/** More turns than these are followed as one, whatever the limits allow: they differ in a number only. */
const MOST_TURNS = 250;
const ASSIGNS = /^\s*(?:set\s+|let\s+)?(\[[^\]]+\]|"[^"]+"|[^\s=:;]+)\s*=/i;

/** Runs a loop turn by turn where its turns are known, and else once for all of them. */
export const runLoop = (block: Loop, state: State, frame: Frame, runner: Runner): State | undefined => {
  const { statement } = runner.head(block.head, state, frame, 'for', 'foreach', 'do');
  if (statement === undefined) return turns(block, [undefined], undefined, state, frame, runner);
  if (statement.type === 'for') return counted(block, statement, state, frame, runner);
  if (statement.type === 'foreach') {
    const values = statement.items.flatMap((item) => valuesOf(item, state, runner));
    return turns(block, values, statement.variable, state, frame, runner);
  }
  return repeated(block, statement, state, frame, runner);
};

const counted = (
  block: Loop,
  { variable, first, last, step }: Extract<ControlStatement, { readonly type: 'for' }>,
  state: State,
  frame: Frame,
  runner: Runner,
): State | undefined => {
  const number = (expression: Expression | undefined): number | undefined => {
    if (expression === undefined) return 1;
    const value = runner.evaluate(expression, state);
    return value.type === 'text' ? toNumber(value.text) : undefined;
  };
  const [from, to, by] = [number(first), number(last), number(step)];
  if (from === undefined || to === undefined || by === undefined || by === 0) {
    return turns(block, [undefined], variable, state, frame, runner);
  }
  const count = Math.floor((to - from) / by) + 1;
  if (count > mostTurns(runner)) {
    const { session } = runner;
    session.say('info', 'many-turns', `${count} turns of a loop are followed as one`, placeOf(frame.unit, block.head));
    return turns(block, [undefined], variable, state, frame, runner);
  }
  const values = Array.from({ length: Math.max(0, count) }, (_, index) => text(fromNumber(from + index * by)));
  return turns(block, values, variable, state, frame, runner);
};

const mostTurns = ({ session }: Runner): number => Math.min(session.limits.iterations, MOST_TURNS);

/** What a loop goes through; undefined stands for values that nobody knows. */
const valuesOf = (item: Expression, state: State, runner: Runner): readonly (Value | undefined)[] => {
  if (item.type === 'call') {
    const [mask] = item.args;
    if ((item.name === 'filelist' || item.name === 'dirlist') && mask !== undefined) {
      const value = runner.evaluate(mask, state);
      if (value.type === 'unknown') return [undefined];
      return plain(value).map((one) => (one?.type === 'text' ? text(asPattern(one.text)) : one));
    }
    if (item.name === 'fieldvaluelist') {
      const field = mask?.type === 'text' || mask?.type === 'name' ? ('name' in mask ? mask.name : mask.value) : '';
      return valuesOfField(field, state, runner.session.contents)?.map(text) ?? [undefined];
    }
  }
  if (item.type === 'expansion') return [undefined];
  const value = runner.evaluate(item, state);
  return value.type === 'unknown' ? [undefined] : plain(value);
};

const plain = (value: Exclude<Value, { readonly type: 'unknown' }>): readonly (Value | undefined)[] =>
  value.type === 'text'
    ? [/^\s*$/.test(value.text) && hasHoles(value.text) ? undefined : value]
    : value.options.map((option) => text(option.text));

const turns = (
  block: Loop,
  values: readonly (Value | undefined)[],
  variable: string | undefined,
  from: State,
  frame: Frame,
  runner: Runner,
): State | undefined => {
  const { session } = runner;
  const left: State[] = [];
  let state: State | undefined = from;
  const most = mostTurns(runner);
  if (values.length > most) {
    session.say(
      'info',
      'many-turns',
      `of ${values.length} turns of a loop ${most} are followed`,
      placeOf(frame.unit, block.head),
    );
  }
  for (const value of values.slice(0, most)) {
    if (state === undefined) break;
    const inside = { ...frame, loop: left };
    if (value === undefined) {
      state = forAll(block, state, frame.unit, runner, (start) => {
        if (variable !== undefined) setVariable(variable, unknown('loop'), start, session);
        return runner.run(block.body, start, inside);
      });
      continue;
    }
    session.step();
    if (variable !== undefined) setVariable(variable, value, state, session);
    state = runner.run(block.body, state, inside);
  }
  if (block.end !== undefined) runner.count(frame.unit, block.end, true);
  return together(state, left, from, runner);
};

const together = (
  state: State | undefined,
  left: readonly State[],
  before: State,
  runner: Runner,
): State | undefined => {
  if (left.length === 0) return state;
  const ends = [...(state === undefined ? [] : [state]), ...left];
  return runner.merged(
    ends.map((end) => ({ state: end, world: end.world })),
    before,
  );
};

const repeated = (
  block: Loop,
  head: Extract<ControlStatement, { readonly type: 'do' | 'loop' }>,
  from: State,
  frame: Frame,
  runner: Runner,
): State | undefined => {
  const { session } = runner;
  const left: State[] = [];
  let state: State = from;
  for (let turn = 0; ; turn++) {
    session.step();
    const { statement } = turn === 0 ? { statement: head } : runner.head(block.head, state, frame, 'do');
    const goes = statement === undefined ? undefined : holds(statement, state, runner);
    if (goes === false) return together(state, left, from, runner);
    if (turn >= mostTurns(runner)) {
      session.say('warning', 'many-turns', `a loop was left after ${turn} turns`, placeOf(frame.unit, block.head));
      return together(state, left, from, runner);
    }
    const before = left.length;
    const inside = { ...frame, loop: left };
    const after: State | undefined =
      goes === undefined
        ? forAll(block, state, frame.unit, runner, (start) => runner.run(block.body, start, inside))
        : runner.run(block.body, state, inside);
    if (after === undefined) return together(undefined, left, from, runner);
    const tail = block.end === undefined ? undefined : runner.head(block.end, after, frame, 'loop').statement;
    const again = tail === undefined ? true : holds(tail, after, runner);
    // Once through for all turns when nobody can tell how many there are.
    if (goes === undefined || again === undefined || left.length > before) {
      if (goes !== undefined) widen(block, after, frame.unit, runner);
      return together(after, left, from, runner);
    }
    state = after;
    if (again === false) return together(state, left, from, runner);
  }
};

const holds = (
  { test, condition }: Extract<ControlStatement, { readonly type: 'do' | 'loop' }>,
  state: State,
  runner: Runner,
): boolean | undefined => {
  if (condition === undefined) return true;
  const value = isTrue(runner.evaluate(condition, state));
  return value === undefined ? undefined : value === (test === 'while');
};

/**
 * One turn for all turns of a loop, when nobody knows how many there are. Where it leaves another text in a variable than
 * it found (a prefix that the first turn does not need yet), a second turn goes on with that.
 */
const forAll = (
  block: Loop,
  state: State,
  unit: Unit,
  runner: Runner,
  turn: (state: State) => State | undefined,
): State | undefined => {
  const { session } = runner;
  session.step();
  const assigned = widen(block, state, unit, runner);
  const before = assigned.map((name) => [name, textOf(state, name)] as const);
  const versions = session.versions();
  const after = turn(state);
  if (after === undefined || before.every(([name, was]) => textOf(after, name) === was)) return after;
  // What is unknown in this turn is what was unknown in the one before.
  session.countVersionsFrom(versions);
  return turn(after);
};

const textOf = (state: State, name: string): string | undefined => {
  const value = state.variables.get(name)?.value;
  return value?.type === 'text' ? value.text : undefined;
};

/**
 * Variables that turns change: numbers that count and texts that grow hold what nobody knows, when turns are not followed
 * one by one. Names of those that keep their value at first.
 */
const widen = (block: Loop, state: State, { text: source }: Unit, runner: Runner): readonly string[] => {
  const kept = new Set<string>();
  for (const raw of within(block.body)) {
    if (raw.kind !== 'set' && raw.kind !== 'let') continue;
    const [whole, written] = ASSIGNS.exec(source.slice(raw.start, Math.min(raw.end, raw.start + 300))) ?? [];
    const name = written?.replace(/^[["]|[\]"]$/g, '');
    if (whole === undefined || name === undefined || !state.variables.has(name)) continue;
    const value = textOf(state, name);
    const grows = source.slice(raw.start + whole.length, raw.end).includes(name);
    if (value === undefined || grows || toNumber(value) !== undefined) {
      setVariable(name, unknown('loop'), state, runner.session);
      kept.delete(name);
    } else kept.add(name);
  }
  return [...kept];
};
