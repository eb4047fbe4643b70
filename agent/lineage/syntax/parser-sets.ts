import { Cursor, isName, nameOf } from './cursor.ts';
import type { Expansion, Expression, Name, SetEntity, SetExpression, SetModifier, SetValue } from './expression.ts';
import { closingOf, code, expansionsIn, type Token, unquoted } from './lexer.ts';

/** Searches within searches: each reads its text again. */
const MOST_SEARCHES = 6;

/** A set within a set goes down through more functions than an expression. */
const LEVELS = 4;

type Read = (cursor: Cursor) => Expression;

/** `{…}`: the cursor stands on its brace. `read` reads the expressions of searches. */
export const parseSet = (cursor: Cursor, read: Read): SetExpression => {
  const start = cursor.position;
  const entities: SetEntity[] = [];
  cursor.expect('{');
  readEntities(cursor, read, entities, '}');
  cursor.expect('}');
  return { entities, span: cursor.spanFrom(start) };
};

/** Entities up to `closing`, whatever operators and parentheses stand between them. */
const readEntities = (cursor: Cursor, read: Read, entities: SetEntity[], closing: string): void => {
  let open = 0;
  for (let token = cursor.token; token !== undefined; token = cursor.token) {
    if (token.kind === 'symbol') {
      if (token.text === closing && open === 0) return;
      if (token.text === '}' || token.text === ';') return;
      if (token.text === '(') open += 1;
      else if (token.text === ')') {
        if (open === 0) return;
        open -= 1;
      } else if (token.text === '<' || token.text === '<>') {
        entities.push(readEntity(cursor, read, ''));
        continue;
      } else if (token.text === '{') {
        entities.push(...nested(cursor, read));
        continue;
      } else if (!'+-*/:'.includes(token.text)) cursor.complain(`"${token.text}" in a set`);
      cursor.at += 1;
    } else {
      cursor.at += 1;
      entities.push(readEntity(cursor, read, unquoted(token), token));
    }
  }
};

const nested = (cursor: Cursor, read: Read): readonly SetEntity[] => {
  const set = cursor.within(() => parseSet(cursor, read), LEVELS);
  if (set === undefined) cursor.unreadable('nested too deeply', cursor.tokens.length);
  return set?.entities ?? [];
};

/** Behind its identifier: one or more `<…>`, which intersect. */
const readEntity = (cursor: Cursor, read: Read, identifier: string, token?: Token): SetEntity => {
  const start = token?.start ?? cursor.position;
  const modifiers: SetModifier[] = [];
  for (;;) {
    if (cursor.skip('<>')) continue;
    if (!cursor.skip('<')) break;
    readModifiers(cursor, read, modifiers);
  }
  return { identifier, modifiers, span: cursor.spanFrom(start) };
};

const readModifiers = (cursor: Cursor, read: Read, modifiers: SetModifier[]): void => {
  for (let token = cursor.token; token !== undefined; token = cursor.token) {
    if (token.kind === 'symbol') {
      if (cursor.skip('>')) return;
      if (token.text === '}' || token.text === ';') break;
      if (token.text !== ',') cursor.complain(`"${token.text}" where a field is expected`);
      cursor.at += 1;
      continue;
    }
    modifiers.push(readModifier(cursor, read, token));
  }
  cursor.complain('">" is missing');
};

const readModifier = (cursor: Cursor, read: Read, token: Token): SetModifier => {
  cursor.at += 1;
  const field = token.kind === 'expansion' ? expansion(token) : nameOf(token);
  const values: SetValue[] = [];
  let operator = '';
  const sign = cursor.token;
  if (sign?.kind === 'symbol' && '+-*/'.includes(sign.text) && cursor.is('=', 1)) {
    operator = `${sign.text}=`;
    cursor.at += 2;
  } else if (cursor.skip('=')) operator = '=';
  if (operator !== '') readValues(cursor, read, values);
  return { field, operator, values, span: cursor.spanFrom(token.start) };
};

/** `{…} + P(…) - Other`: up to the comma or the `>` behind it. */
const readValues = (cursor: Cursor, read: Read, values: SetValue[]): void => {
  let open = 0;
  for (let token = cursor.token; token !== undefined; token = cursor.token) {
    if (token.kind === 'symbol') {
      if (token.text === '{') {
        cursor.at += 1;
        readList(cursor, read, values);
        continue;
      }
      if (open === 0 && (token.text === ',' || token.text === '>')) return;
      if (token.text === '>' || token.text === '}' || token.text === ';') return;
      if (token.text === '(') open += 1;
      else if (token.text === ')') {
        if (open === 0) return;
        open -= 1;
      }
      cursor.at += 1;
    } else if (isPossible(cursor)) values.push(readPossible(cursor, read));
    else if (isName(token)) {
      cursor.at += 1;
      // `State::Field`: the field of an alternate state.
      if (cursor.is(':') && cursor.is(':', 1) && isName(cursor.peek(2))) {
        cursor.at += 2;
        continue;
      }
      values.push({ type: 'field', field: nameOf(token), span: { start: token.start, end: token.end } });
    } else {
      cursor.at += 1;
      addValue(cursor, read, token, values);
    }
  }
};

/** `P(…)` or `E(…)`. */
const isPossible = (cursor: Cursor): boolean => {
  const word = cursor.word();
  return (word === 'p' || word === 'e') && cursor.is('(', 1);
};

const readPossible = (cursor: Cursor, read: Read): SetValue => {
  const start = cursor.position;
  cursor.at += 2;
  const entities: SetEntity[] = [];
  let set: SetExpression | undefined;
  let field: Name | undefined;
  for (let token = cursor.token; token !== undefined; token = cursor.token) {
    if (token.kind === 'symbol') {
      if (token.text === '{') {
        const from = token.start;
        entities.push(...nested(cursor, read));
        set = { entities, span: cursor.spanFrom(from) };
        continue;
      }
      if (cursor.skip(')')) break;
      if (token.text === '}' || token.text === '>' || token.text === ';') {
        cursor.complain('")" is missing');
        break;
      }
      cursor.at += 1;
    } else {
      cursor.at += 1;
      if (isName(token) || token.kind === 'expansion') field = nameOf(token);
    }
  }
  return { type: 'possible', set, field, span: cursor.spanFrom(start) };
};

/** Behind the `{` of a list of values. */
const readList = (cursor: Cursor, read: Read, values: SetValue[]): void => {
  let open = 1;
  for (let token = cursor.token; token !== undefined; token = cursor.token) {
    if (token.kind === 'symbol') {
      // `{2025>}`: its brace was forgotten.
      if (token.text === ';' || (token.text === '>' && cursor.is('}', 1))) break;
      if (token.text === '{') open += 1;
      if (token.text === '}') open -= 1;
      cursor.at += 1;
      if (open === 0) return;
    } else if (isPossible(cursor)) values.push(readPossible(cursor, read));
    else {
      cursor.at += 1;
      addValue(cursor, read, token, values);
    }
  }
  cursor.complain('"}" is missing');
};

/** A value in a list: a search that begins with `=` and the expansions in all others hold expressions. */
const addValue = (cursor: Cursor, read: Read, token: Token, values: SetValue[]): void => {
  const span = { start: token.start, end: token.end };
  if (token.kind === 'expansion') {
    values.push({ type: 'search', expression: expansion(token), span });
    return;
  }
  const quote = closingOf(token.kind);
  if (quote !== undefined && /^.\s*=/.test(token.text) && cursor.searches < MOST_SEARCHES) {
    const inner = new Cursor(innerTokens(token, quote), 'chart', 0, cursor);
    values.push({ type: 'search', expression: read(inner), span });
    return;
  }
  values.push({ type: 'value', text: unquoted(token), span });
  for (const { start, end } of expansionsIn(token.text)) {
    const inside = { start: token.start + start, end: token.start + end };
    const text = token.text.slice(start + 2, end - 1);
    values.push({ type: 'search', expression: { type: 'expansion', text, span: inside }, span: inside });
  }
};

/** The tokens of what stands in quotes, with the offsets that they have in the text around it. */
const innerTokens = (token: Token, closing: string): readonly Token[] => {
  const raw = token.text.slice(1, -1);
  const base = token.start + 1;
  const doubled = closing + closing;
  const removed: number[] = [];
  let text = raw;
  if (raw.includes(doubled)) {
    text = '';
    let from = 0;
    for (let at = raw.indexOf(doubled); at !== -1; at = raw.indexOf(doubled, from)) {
      text += raw.slice(from, at + 1);
      from = at + 2;
      removed.push(text.length);
    }
    text += raw.slice(from);
  }
  let gone = 0;
  const place = (at: number): number => {
    while (gone < removed.length && (removed[gone] as number) <= at) gone += 1;
    return base + at + gone;
  };
  return code(text).map((inner) => ({ ...inner, start: place(inner.start), end: place(inner.end) }));
};

const expansion = ({ text, start, end }: Token): Expansion => ({
  type: 'expansion',
  text: text.slice(2, -1),
  span: { start, end },
});
