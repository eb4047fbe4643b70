import type { ControlStatement } from '../script/syntax.ts';
import type { Block } from './blocks.ts';
import type { Runner } from './runner.ts';
import type { Here } from './session.ts';
import { fork, type State, type Variable } from './state.ts';
import type { Unit } from './units.ts';
import { hole, NULL, text, unknown, type Value } from './values.ts';
import { setVariable } from './variables.ts';

export interface Sub {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly body: readonly Block[];
  readonly unit: Unit;
}

type Call = Extract<ControlStatement, { readonly type: 'call' }>;

/**
 * Runs a subroutine where it is called. A variable that is given by its name gets what the parameter is at the end. One
 * that calls itself is run through once: what it would do further down is the same with other values.
 */
export const callSub = (call: Call, state: State, runner: Runner, here: Here): State | undefined => {
  const { session } = runner;
  const sub = runner.subs.get(call.name.toLowerCase());
  const given = variablesGiven(call);
  if (sub === undefined) {
    session.say('info', 'sub-missing', `the subroutine ${call.name} is not in the text`, here.circumstances.place);
    for (const name of given) if (name !== undefined) forget(name, state, runner);
    return state;
  }
  const key = `sub ${sub.name.toLowerCase()}`;
  if (runner.inside.includes(key)) {
    session.say('info', 'recursion', `${sub.name} calls itself: it is followed once`, here.circumstances.place);
    return state;
  }
  if (runner.inside.length >= session.limits.depth) {
    session.say('warning', 'depth', `${sub.name} is called too deep within others`, here.circumstances.place);
    return state;
  }
  const values = sub.parameters.map((_, index) => argument(call, index, state, runner));
  const before = new Map<string, Variable | undefined>();
  for (const [index, name] of sub.parameters.entries()) {
    before.set(name, state.variables.get(name));
    setVariable(name, values[index] ?? NULL, state, session);
  }
  const entered = new Map(sub.parameters.map((name) => [name, state.variables.get(name)]));
  const left: State[] = [];
  runner.inside.push(key);
  let after: State | undefined;
  try {
    after = runner.run(sub.body, state, { sub: left, loop: undefined, unit: sub.unit });
  } finally {
    runner.inside.pop();
  }
  const ends = [...(after === undefined ? [] : [after]), ...left];
  const merged = runner.merged(
    ends.map((end) => ({ state: end, world: end.world })),
    state,
  );
  if (merged === undefined) return undefined;
  const end = fork(merged);
  const results = sub.parameters.map((name) => [entered.get(name), end.variables.get(name)] as const);
  for (const [name, variable] of before) {
    if (variable === undefined) end.variables.delete(name);
    else end.variables.set(name, variable);
  }
  for (const [index, [entry, result]] of results.entries()) {
    const name = given[index];
    if (name !== undefined && result !== undefined && result !== entry) end.variables.set(name, result);
  }
  return end;
};

/** By argument: the variable that is given by its name. */
const variablesGiven = ({ args }: Call): readonly (string | undefined)[] =>
  args.map((arg) => (arg.type === 'name' && arg.quote !== "'" ? arg.name : undefined));

const argument = ({ args }: Call, index: number, state: State, runner: Runner): Value => {
  const arg = args[index];
  // The engine gives parameters without an argument NULL: they serve as local variables.
  if (arg === undefined) return NULL;
  if (arg.type === 'name' && !state.variables.has(arg.name)) {
    const outside = runner.evaluate(arg, state);
    return outside.type === 'text' ? outside : text(hole(arg.name, 0));
  }
  return runner.evaluate(arg, state);
};

const forget = (name: string, state: State, runner: Runner): void => {
  if (state.variables.has(name)) setVariable(name, unknown('sub-missing'), state, runner.session);
};
