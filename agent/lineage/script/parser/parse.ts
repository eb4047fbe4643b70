import { wordEnd } from '../gaps.ts';
import { DATABASE } from '../keywords.ts';
import type { Piece } from '../splitter.ts';
import { chains, statements } from '../statements.ts';
import type { Prefix, Statement, Step } from '../syntax.ts';
import { takeAssign, takeInclude } from './assign.ts';
import { takeAlias, takeDrop, takeMap, takeQualify, takeRename, takeStore } from './changes.ts';
import { takeConnect } from './connect.ts';
import { type ControlKind, takeControl } from './control.ts';
import { takeDeclare, takeDerive, takeDescribe } from './describe.ts';
import { takeLoad } from './load.ts';
import { opaqueOf } from './opaque.ts';
import { takeHead } from './prefixes.ts';
import { NotUnderstood, Reader } from './reader.ts';
import { takeSelect } from './select.ts';

const DEEPEST = 20;
const TOO_DEEP = 'it is nested too deeply';
const CONTROL_KINDS: ReadonlySet<string> = new Set<ControlKind>([
  'if',
  'elseif',
  'else',
  'end',
  'end if',
  'end sub',
  'end switch',
  'sub',
  'call',
  'for',
  'next',
  'do',
  'loop',
  'switch',
  'case',
  'default',
  'exit',
]);

/**
 * The statements that a text is, after expansion: mostly one; more when an expansion brought them, none when nothing is
 * left but comments. Spans are offsets into `text`. Never throws: what cannot be understood is an `opaque` statement.
 * `pieces`: those of the one statement that it is, where they are known.
 */
export const parseStatement = (text: string, pieces?: readonly Piece[]): readonly Statement[] => {
  if (pieces !== undefined) return parseGroup(text, pieces);
  const found: Statement[] = [];
  for (const group of chains(statements(text))) found.push(...parseGroup(text, group));
  return found;
};

/** A statement, or the steps of a preceding load. */
const parseGroup = (text: string, group: readonly Piece[]): readonly Statement[] => {
  const [first, ...below] = group;
  if (first === undefined) return [];
  const top = parsePiece(text, first);
  const load = top.at(-1);
  if (below.length === 0 || load?.type !== 'load') {
    return [...top, ...below.flatMap((piece) => parsePiece(text, piece))];
  }
  const steps: Step[] = [...load.steps];
  let end = load.span.end;
  for (const [index, piece] of below.entries()) {
    const step = parsePiece(text, piece)[0];
    if (step?.type !== 'load') {
      // The upper steps stay open: what they read is not known.
      const rest = step === undefined ? [] : [step];
      const others = below.slice(index + 1).flatMap((other) => parsePiece(text, other));
      return [...top.slice(0, -1), { ...load, steps, span: { start: load.span.start, end } }, ...rest, ...others];
    }
    const [lower, ...lowest] = step.steps;
    if (lower !== undefined) steps.push({ ...lower, prefixes: step.prefixes }, ...lowest);
    end = step.span.end;
  }
  return [...top.slice(0, -1), { ...load, steps, span: { start: load.span.start, end } }];
};

const parsePiece = (text: string, piece: Piece): readonly Statement[] => {
  const { kind, label, start, end } = piece;
  try {
    return read(text, piece, 0);
  } catch (error) {
    // A statement that is nested deeper than there is room for.
    if (error instanceof RangeError) return [opaqueOf(text, start, end, { kind, why: TOO_DEEP, at: start, label })];
    if (!(error instanceof NotUnderstood)) throw error;
    const why = piece.broken === undefined ? error.message : `${piece.broken}: ${error.message}`;
    return [opaqueOf(text, start, end, { kind, why, at: error.at, label })];
  }
};

const read = (text: string, piece: Piece, depth: number): readonly Statement[] => {
  const { kind, start, end } = piece;
  // The splitter looks through WHEN and UNLESS for what they guard.
  if (isGuarded(text, start)) return afterHead(text, piece, depth);
  if (CONTROL_KINDS.has(kind)) return [takeControl(new Reader(text, start, end), kind as ControlKind)];
  switch (kind) {
    case 'include':
      return [takeInclude(text, start, end)];
    case 'rem':
    case 'trace':
      return [{ type: 'neutral', keyword: kind, span: { start, end } }];
    case 'set':
    case 'let':
      return [takeAssign(text, start, end)];
    case 'label':
      throw new NotUnderstood('it names a table, and what follows it makes none', start);
  }
  return afterHead(text, piece, depth);
};

const isGuarded = (text: string, start: number): boolean => {
  const end = wordEnd(text, start);
  return (end - start === 4 || end - start === 6) && /^(?:when|unless)$/i.test(text.slice(start, end));
};

const afterHead = (text: string, { start, end }: Piece, depth: number): readonly Statement[] => {
  const reader = new Reader(text, start, end);
  const { label, prefixes } = takeHead(reader);
  const word = reader.word();
  if (word === 'load' || DATABASE.has(word)) {
    const step = word === 'load' ? takeLoad(reader, []) : takeSelect(reader, []);
    return [{ type: 'load', label, prefixes, steps: [step], span: { start, end } }];
  }
  const [guard, ...others] = prefixes;
  if ((guard?.type === 'when' || guard?.type === 'unless') && others.length === 0) {
    return [takeGuarded(reader, guard, start, depth)];
  }
  if (prefixes.length > 0 || reader.token?.kind === 'expansion') {
    const unknown = prefixes.every(({ type }) => type === 'macro');
    reader.at += reader.token?.kind === 'expansion' ? 1 : 0;
    if (unknown && reader.done) return [{ type: 'macro', text: text.slice(start, end), span: { start, end } }];
    reader.fail('LOAD or SELECT is missing behind what stands in front of it');
  }
  return takeStatement(reader, word, label);
};

/** `WHEN vFull = 1 DROP TABLE x`, `UNLESS $(vTest) CALL Log('x')`: the rest is a statement of its own. */
const takeGuarded = (reader: Reader, guard: Prefix, start: number, depth: number): Statement => {
  if (!('condition' in guard) || guard.condition === undefined || (guard.type !== 'when' && guard.type !== 'unless')) {
    return reader.fail('a condition is missing');
  }
  if (depth >= DEEPEST || reader.done) reader.fail('a statement is missing behind its condition');
  const [piece] = statements(reader.text.slice(0, reader.end), reader.position);
  const [statement] = piece === undefined ? [] : read(reader.text, piece, depth + 1);
  if (statement === undefined) return reader.fail('a statement is missing behind its condition');
  return {
    type: 'guarded',
    test: guard.type,
    condition: guard.condition,
    statement,
    span: { start, end: reader.end },
  };
};

/** Everything that has no prefixes. */
const takeStatement = (reader: Reader, word: string, label: string | undefined): readonly Statement[] => {
  const start = reader.position;
  switch (word) {
    case 'store':
      return takeStore(reader);
    case 'drop':
      return [takeDrop(reader)];
    case 'rename':
      return [takeRename(reader)];
    case 'alias':
      return [takeAlias(reader)];
    case 'qualify':
    case 'unqualify':
      return [takeQualify(reader)];
    case 'map':
    case 'unmap':
      return [takeMap(reader)];
    case 'comment':
    case 'tag':
    case 'untag':
      return [takeDescribe(reader)];
    case 'declare':
      return [takeDeclare(reader, label)];
    case 'derive':
      return [takeDerive(reader)];
    case 'lib':
    case 'odbc':
    case 'oledb':
    case 'custom':
    case 'connect':
    case 'connect32':
    case 'connect64':
    case 'disconnect':
      return [takeConnect(reader)];
    case 'binary':
    case 'directory': {
      reader.at += 1;
      const path = reader.done && word === 'directory' ? '' : reader.path();
      reader.expectDone();
      return [{ type: word, path, span: reader.spanFrom(start) }];
    }
    case 'section': {
      reader.at += 1;
      const section = reader.expectWord('access', 'application') as 'access' | 'application';
      reader.expectDone();
      return [{ type: 'section', section, span: reader.spanFrom(start) }];
    }
  }
  if (NEUTRAL.has(word)) return [{ type: 'neutral', keyword: word, span: { start, end: reader.end } }];
  return reader.fail('no statement begins like this');
};

/** Understood, and without any effect on where data comes from. */
const NEUTRAL: ReadonlySet<string> = new Set(
  (
    'sleep flushlog execute search nullasvalue nullasnull star loosen unlock lock errormode hidden force autonumber ' +
    'inputfield'
  ).split(' '),
);
