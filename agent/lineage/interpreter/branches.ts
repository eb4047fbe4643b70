import type { Block } from './blocks.ts';
import type { Frame, Runner } from './runner.ts';
import { type Arm, fork, type State } from './state.ts';
import { isUncertain, joinWorlds, unknown, type Value } from './values.ts';

type If = Extract<Block, { readonly type: 'if' }>;
type Switch = Extract<Block, { readonly type: 'switch' }>;

/** Runs the arm that is taken, or every arm that may be. `from`: the arms before it are not taken. */
export const runIf = (block: If, state: State, frame: Frame, runner: Runner, from = 0): State | undefined => {
  const arm = block.arms[from];
  if (arm === undefined) return block.otherwise === undefined ? state : runner.run(block.otherwise, state, frame);
  const { statement, text } = runner.head(arm.head, state, frame, 'if', 'elseif');
  const value = statement === undefined ? unknown('condition') : runner.evaluate(statement.condition, state);
  return runner.either(
    value,
    text.replace(/^\s*else\s*if/i, 'if'),
    state,
    (then) => runner.run(arm.body, then, frame),
    (other) => runIf(block, other, frame, runner, from + 1),
  );
};

/** Runs the case that fits, or every case that may. */
export const runSwitch = (block: Switch, state: State, frame: Frame, runner: Runner): State | undefined => {
  const { statement } = runner.head(block.head, state, frame, 'switch');
  const known = statement === undefined ? undefined : certainText(runner.evaluate(statement.value, state));
  const possible: (readonly Block[])[] = [];
  let certain = false;
  for (const arm of block.arms) {
    const { statement: head } = runner.head(arm.head, state, frame, 'case');
    if (certain) continue;
    const cases = (head?.values ?? []).map((one) => certainText(runner.evaluate(one, state)));
    if (known !== undefined && cases.includes(known)) certain = true;
    else if (known !== undefined && !cases.includes(undefined)) continue;
    possible.push(arm.body);
  }
  if (!certain) possible.push(block.otherwise ?? []);
  const [only] = possible;
  if (possible.length === 1 && only !== undefined) return runner.run(only, state, frame);
  const choice = runner.session.choice();
  const arms: Arm[] = [];
  for (const [index, body] of possible.entries()) {
    const world = joinWorlds(state.world, new Map([[choice, index]])) ?? state.world;
    const after = runner.doubtfully(() => runner.run(body, { ...fork(state), world }, frame));
    if (after !== undefined) arms.push({ state: after, world });
  }
  return runner.merged(arms, state);
};

const certainText = (value: Value): string | undefined =>
  value.type === 'text' && !isUncertain(value.text) ? value.text : undefined;
