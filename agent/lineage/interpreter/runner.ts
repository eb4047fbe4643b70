import type { Place } from '../result.ts';
import { parseStatement } from '../script/parser/parse.ts';
import type { Piece } from '../script/splitter.ts';
import { ownPieces, type RawStatement } from '../script/statements.ts';
import type { ControlStatement, IncludeStatement, Statement } from '../script/syntax.ts';
import type { Expression } from '../syntax/expression.ts';
import { parseExpression } from '../syntax/parser.ts';
import { type Block, blocksOf } from './blocks.ts';
import { runIf, runSwitch } from './branches.ts';
import { apply } from './effects.ts';
import { isTrue } from './evaluate.ts';
import { type Expanded, type Expander, expandAll, isAsWritten, originOf } from './expand.ts';
import { runLoop } from './loops.ts';
import type { Circumstances } from './origins.ts';
import type { Here, Session } from './session.ts';
import { type Arm, fork, merge, type State } from './state.ts';
import { callSub, type Sub } from './subs.ts';
import { isUnderstood, strayCommas } from './understood.ts';
import { placeAt, placeOf, statementId, type Unit, unitOf } from './units.ts';
import { joinWorlds, MOST_ALTERNATIVES, unmarked, type Value, withoutMarks } from './values.ts';
import { evaluateIn, variableIn } from './variables.ts';

/** Where EXIT goes: the states in which a loop or a subroutine was left early. */
export interface Frame {
  readonly sub: State[] | undefined;
  readonly loop: State[] | undefined;
  readonly unit: Unit;
}

/** Control statements that may be of one of these types. */
type Control<T, C = ControlStatement> = C extends { readonly type: infer U }
  ? [Extract<U, T>] extends [never]
    ? never
    : C
  : never;

/** Their text is not code: nothing is expanded in it. */
export const QUIET: ReadonlySet<string> = new Set(['trace', 'rem']);
const MOST_PARSED = 20_000;

/** Runs blocks of statements; undefined as a state means that no way leads on. */
export class Runner {
  readonly session: Session;
  readonly subs = new Map<string, Sub>();
  /** Names of the subroutines and includes that are being run. */
  readonly inside: string[] = [];
  readonly units: Unit[] = [];
  /** What holds where the work stands: all that there is when a limit cuts it short. */
  latest: State | undefined;
  readonly #parsed = new Map<string, readonly Statement[]>();
  readonly #choices = new Map<string, number>();
  readonly #blocks = new Map<string, readonly Block[]>();
  #doubts = 0;

  constructor(session: Session) {
    this.session = session;
  }

  /** Runs a whole text: the script, an include, or what an expansion made. */
  runUnit(unit: Unit, state: State, frame: Omit<Frame, 'unit'>): State | undefined {
    return this.run(this.#blocksOf(unit), state, { ...frame, unit });
  }

  #blocksOf(unit: Unit): readonly Block[] {
    const key = `${unit.id}|${unit.at === undefined ? '' : unit.text}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const { blocks, unbalanced, marks } = blocksOf(unit.statements);
    for (const raw of marks) this.count(unit, raw, true);
    for (const { raw, why } of unbalanced) {
      this.count(unit, raw, false);
      this.session.say('warning', 'unbalanced', why, placeOf(unit, raw));
    }
    this.#blocks.set(key, blocks);
    if (unit.at === undefined) this.units.push(unit);
    this.#hoist(blocks, unit);
    return blocks;
  }

  /** Subroutines are known before they are met: in real scripts a call never fails for want of one in the same text. */
  #hoist(blocks: readonly Block[], unit: Unit): void {
    for (const block of blocks) {
      if (block.type === 'sub') this.#define(block, unit, false);
      else if (block.type === 'if') for (const arm of block.arms) this.#hoist(arm.body, unit);
    }
  }

  #define(block: Extract<Block, { readonly type: 'sub' }>, unit: Unit, met: boolean): void {
    const raw = block.head;
    const [head] = this.parse(unit.text.slice(raw.start, raw.end));
    this.count(unit, raw, head?.type === 'sub');
    if (head?.type !== 'sub') return;
    const key = head.name.toLowerCase();
    if (met || !this.subs.has(key))
      this.subs.set(key, { name: head.name, parameters: head.parameters, body: block.body, unit });
  }

  run(blocks: readonly Block[], from: State, frame: Frame): State | undefined {
    let state: State | undefined = from;
    for (const block of blocks) {
      if (state === undefined) return undefined;
      state = this.#block(block, state, frame);
    }
    return state;
  }

  #block(block: Block, state: State, frame: Frame): State | undefined {
    switch (block.type) {
      case 'statement':
        return this.#statement(block.raw, state, frame);
      case 'sub':
        this.session.step();
        this.#define(block, frame.unit, true);
        return state;
      case 'loop':
        return runLoop(block, state, frame, this);
      case 'if':
        return runIf(block, state, frame, this);
      case 'switch':
        return runSwitch(block, state, frame, this);
      default:
        return block satisfies never;
    }
  }

  count(unit: Unit, raw: RawStatement, understood: boolean): void {
    this.session.count(statementId(unit, raw), understood);
  }

  /** The statements that a text is; `again`: it may well be read another time. */
  parse(text: string, again = true, pieces?: readonly Piece[]): readonly Statement[] {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const parsed = parseStatement(text, pieces);
    if (again && this.#parsed.size < MOST_PARSED) this.#parsed.set(text, parsed);
    return parsed;
  }

  circumstances(
    place: Place,
    expanded?: Pick<Expanded, 'world'>,
    learnt: readonly string[] = [],
    state?: State,
  ): Circumstances {
    const chosen = expanded !== undefined && state !== undefined && expanded.world.size > state.world.size;
    return {
      place,
      conditional: this.#doubts > 0,
      confidence: chosen ? 'candidate' : learnt.length > 0 ? 'inferred' : 'exact',
      reasons: [...learnt.map((name) => `variable:${name}`), ...(chosen ? ['alternatives'] : [])],
    };
  }

  /** All that a text can be after expansion in this state. */
  expand(source: string, state: State, learnt: Set<string>): readonly Expanded[] {
    const expander: Expander = {
      variable: (name) => variableIn(name, state, this.session, (outside) => learnt.add(outside)),
      evaluate: (expression) =>
        evaluateIn(parseExpression(expression, { mode: 'script' }).expression, state, this.session),
    };
    return expandAll(source, expander, MOST_ALTERNATIVES, state.world);
  }

  /** The head of a block after expansion, its expansions that have several values taken as unknown. */
  head<T extends ControlStatement['type']>(
    raw: RawStatement,
    state: State,
    frame: Frame,
    ...types: readonly T[]
  ): { readonly statement: Control<T> | undefined; readonly text: string } {
    this.session.step();
    const source = frame.unit.text.slice(raw.start, raw.end);
    const [expanded, ...others] = this.expand(source, state, new Set());
    const text = others.length > 0 ? source : (expanded?.text ?? source);
    const [statement] = this.parse(text);
    const fits = statement !== undefined && (types as readonly string[]).includes(statement.type);
    this.count(frame.unit, raw, fits);
    if (!fits) {
      this.session.say('warning', 'opaque', `this ${raw.kind} was not understood`, placeOf(frame.unit, raw));
      return { statement: undefined, text };
    }
    return { statement: statement as Control<T>, text };
  }

  evaluate(expression: Expression, state: State): Value {
    return evaluateIn(expression, state, this.session);
  }

  /** Whether a condition holds: what the text tells, or what was assumed of it on this way. */
  #holds(value: Value, text: string, state: State): { readonly known: boolean | undefined; readonly choice: number } {
    const key = text.replace(/\s+/g, ' ').toLowerCase();
    const choice = this.#choices.get(key) ?? this.session.choice();
    this.#choices.set(key, choice);
    const known = isTrue(value);
    const assumed = state.world.get(choice);
    return { known: known ?? (assumed === undefined ? undefined : assumed === 0), choice };
  }

  /** Goes a way that may not be gone. */
  doubtfully<T>(go: () => T): T {
    this.#doubts += 1;
    try {
      return go();
    } finally {
      this.#doubts -= 1;
    }
  }

  /** Both ways of a condition that nobody knows, and then whatever holds after either. */
  either(
    value: Value,
    text: string,
    state: State,
    yes: (state: State) => State | undefined,
    no: (state: State) => State | undefined,
  ): State | undefined {
    const { known, choice } = this.#holds(value, text, state);
    if (known !== undefined) return known ? yes(state) : no(state);
    const arms: Arm[] = [];
    for (const [arm, go] of [yes, no].entries()) {
      const world = joinWorlds(state.world, new Map([[choice, arm]])) ?? state.world;
      const after = this.doubtfully(() => go({ ...fork(state), world }));
      if (after !== undefined) arms.push({ state: after, world });
    }
    return this.merged(arms, state);
  }

  /** After one of several ways, and nobody knows which. */
  merged(arms: readonly Arm[], before: State): State | undefined {
    return merge(arms, before, this.#doubts > 0);
  }

  #statement(raw: RawStatement, state: State, frame: Frame): State | undefined {
    this.latest = state;
    this.session.step();
    if (QUIET.has(raw.kind)) {
      this.count(frame.unit, raw, true);
      return state;
    }
    const learnt = new Set<string>();
    const all = this.expand(frame.unit.text.slice(raw.start, raw.end), state, learnt);
    const [only] = all;
    if (all.length === 1 && only !== undefined) return this.#expanded(raw, only, [...learnt], state, frame);
    const arms: Arm[] = [];
    for (const expanded of all) {
      const after = this.#expanded(raw, expanded, [...learnt], fork(state), frame);
      if (after !== undefined) arms.push({ state: after, world: expanded.world });
    }
    return this.merged(arms, state);
  }

  #expanded(
    raw: RawStatement,
    expanded: Expanded,
    learnt: readonly string[],
    state: State,
    frame: Frame,
  ): State | undefined {
    const { unit } = frame;
    const place = placeOf(unit, raw);
    const again = frame.loop !== undefined || this.inside.length > 0;
    const statements = this.parse(expanded.text, again, isAsWritten(expanded) ? ownPieces(raw) : undefined);
    if (statements.some(({ type }) => BLOCKS.has(type)) && raw.kind !== 'let' && raw.kind !== 'set') {
      const made = unitOf(unit.file, expanded.text, place, `${unit.id}:${raw.start}`);
      if (made.statements.length > 1 || made.statements[0]?.kind !== raw.kind) return this.runUnit(made, state, frame);
    }
    const here: Here = {
      session: this.session,
      text: expanded.text,
      circumstances: this.circumstances(place, expanded, learnt, state),
    };
    if (statements.length === 0) this.count(unit, raw, true);
    let after: State | undefined = state;
    for (const [index, statement] of statements.entries()) {
      // An expansion may bring thousands.
      if (index > 0) this.session.step();
      this.count(unit, raw, isUnderstood(statement));
      if (after === undefined) return undefined;
      const placeIn = (offset: number): Place => placeAt(unit, raw, raw.start + originOf(expanded.pieces, offset));
      for (const offset of strayCommas(statement)) {
        const what = 'a comma stands here without a field between it and what is next to it';
        this.session.say('warning', 'comma', what, placeIn(offset));
      }
      if (statement.type === 'opaque') {
        const at = placeIn(statement.at);
        const circumstances = { ...here.circumstances, place: at };
        apply(statement, after, { ...here, circumstances });
      } else after = this.apply(statement, after, frame, here);
    }
    return after;
  }

  /** Runs one statement: what has to do with the way of the script here, all else by what it does to tables. */
  apply(statement: Statement, state: State, frame: Frame, here: Here): State | undefined {
    switch (statement.type) {
      case 'include':
        return this.#include(statement, state, frame, here);
      case 'call':
        return callSub(statement, state, this, here);
      case 'exit':
        return this.#exit(statement, state, frame, here);
      case 'guarded':
        return this.#guarded(statement.test, statement.condition, state, here, (then) =>
          this.apply(statement.statement, then, frame, this.#doubted(here)),
        );
      case 'load': {
        const guard = statement.prefixes.find((prefix) => prefix.type === 'when' || prefix.type === 'unless');
        if (guard === undefined || !('condition' in guard) || guard.condition === undefined) break;
        return this.#guarded(guard.type === 'when' ? 'when' : 'unless', guard.condition, state, here, (then) => {
          apply(statement, then, this.#doubted(here));
          return then;
        });
      }
    }
    apply(statement, state, here);
    return state;
  }

  #doubted(here: Here): Here {
    return this.#doubts === 0 ? here : { ...here, circumstances: { ...here.circumstances, conditional: true } };
  }

  #guarded(
    test: 'when' | 'unless',
    condition: Expression,
    state: State,
    here: Here,
    go: (state: State) => State | undefined,
  ): State | undefined {
    const text = `if ${here.text.slice(condition.span.start, condition.span.end)} then`;
    const stay = (other: State): State => other;
    const value = this.evaluate(condition, state);
    return this.either(value, text, state, test === 'when' ? go : stay, test === 'when' ? stay : go);
  }

  #exit(
    statement: Extract<ControlStatement, { readonly type: 'exit' }>,
    state: State,
    frame: Frame,
    here: Here,
  ): State | undefined {
    const leave = (from: State): undefined => {
      if (statement.what === 'script') this.session.endsWith(from);
      else if (statement.what === 'sub') frame.sub?.push(from);
      else frame.loop?.push(from);
    };
    if (statement.condition === undefined || statement.test === undefined) return leave(state);
    return this.#guarded(statement.test, statement.condition, state, here, leave);
  }

  #include({ path, must }: IncludeStatement, state: State, frame: Frame, here: Here): State | undefined {
    const { session } = this;
    const clean = withoutMarks(path);
    const { place } = here.circumstances;
    const key = `include ${clean.toLowerCase()}`;
    if (this.inside.includes(key) || this.inside.length >= session.limits.depth) {
      session.say('warning', 'include-depth', `${clean} includes itself, or too many lie within each other`, place);
      return state;
    }
    const text = session.surroundings.include?.(clean);
    if (text === undefined) {
      session.want('include', clean);
      session.say(must ? 'warning' : 'info', 'include-missing', `the included script ${clean} is not at hand`, place);
      return state;
    }
    this.inside.push(key);
    try {
      return this.runUnit(unitOf(clean, unmarked(text)), state, frame);
    } finally {
      this.inside.pop();
    }
  }
}

/** An expansion that makes these makes blocks. */
const BLOCKS: ReadonlySet<string> = new Set([
  'if',
  'elseif',
  'else',
  'endif',
  'for',
  'foreach',
  'next',
  'do',
  'loop',
  'switch',
  'case',
  'default',
  'endswitch',
  'sub',
  'endsub',
]);
