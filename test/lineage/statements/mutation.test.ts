import { describe, expect, test } from 'vitest';
import { skipGap } from '#agent/lineage/script/gaps.ts';
import { parseStatement } from '#agent/lineage/script/parser/parse.ts';
import { chains, ownPieces, splitScript, statements } from '#agent/lineage/script/statements.ts';
import type { Statement } from '#agent/lineage/script/syntax.ts';

const SCRIPT = `///$tab Main
SET ThousandSep=',';
LET vPath = 'lib://Data/' & $(vSub) & '\\';
$(Must_Include=[lib://Scripts/common.qvs]);
SUB LoadAll (pFolder, pMask)
  FOR EACH vFile IN FileList('$(pFolder)/$(pMask)')
    IF Len('$(vFile)') > 0 AND NOT '$(vFile)' LIKE '*old*' THEN // it's new
      [Sales $(vYear)]:
      CROSSTABLE (Month, Amount, 2)
      LOAD Customer, "Net Value" AS [Net], * FROM [$(vFile)] (ooxml, embedded labels, table is [Sheet 1]);
    ELSE
      TRACE it's an old one;
    END IF
  NEXT vFile
END SUB
CALL LoadAll('$(vPath)', '*.xlsx');
///$tab Facts
LIB CONNECT TO 'DWH (corp)';
Orders:
LOAD *, Year(OrderDate) AS Year, If(Status = 'x;y', 1, Null()) AS Flag;
SQL SELECT o.id AS "OrderId", o.d AS OrderDate -- don't
FROM dbo.orders o /* all; of them */ WHERE o.t = 'a''b';
LEFT JOIN (Orders) LOAD DISTINCT OrderId, ApplyMap('M', Key, 'none') AS Region RESIDENT [Orders Tmp] WHERE Exists(OrderId);
Rows: LOAD * INLINE [
Id, Name
1, "O'Brien; Inc."
];
STORE Orders INTO $(vPath)orders_$(vYear).qvd (qvd);
DROP TABLES [Orders Tmp], Rows;
WHEN $(vFull) = 1 EXIT SCRIPT;
`;
const PIECES = [
  ...';\'"[](){}`$:,=*/\\\n\r\t @#%.',
  '$(',
  '//',
  '/*',
  '*/',
  '///$tab X\n',
  '\nEND IF\n',
  '\nNEXT\n',
  'LOAD ',
  'FROM ',
  'INLINE [',
  "INLINE '",
  'SQL SELECT ',
  'T:\n',
  'JOIN (',
  'STORE ',
  ' INTO ',
  'THEN',
  'WHEN ',
  '\u200b',
  '\ufeff',
  'é',
  '\ud800',
  '\0',
  "''",
  ']]',
  '$(Include=',
  'CROSSTABLE (',
  'DECLARE FIELD DEFINITION ',
  'EXTENSION a.b(',
  'MERGE ON ',
  'AS ',
  'SET x = ',
  'LET x = ',
];

/** Numbers of its own, so that a failing case comes back. */
const random = (seed: number): ((below: number) => number) => {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

const mutated = (seed: number): string => {
  const below = random(seed);
  let text = SCRIPT;
  for (let count = 1 + below(8); count > 0; count--) {
    const at = below(text.length);
    const piece = PIECES[below(PIECES.length)] ?? '';
    switch (below(4)) {
      case 0:
        text = text.slice(0, at) + piece + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + 1 + below(30));
        break;
      case 2:
        text = text.slice(0, at) + piece + text.slice(at + piece.length);
        break;
      default: {
        const from = below(text.length);
        text = text.slice(0, at) + text.slice(from, from + below(200)) + text.slice(at);
      }
    }
  }
  return text;
};

/** Nothing is lost: between two statements stand blanks, comments and `;` only. */
const expectLossless = (text: string): void => {
  let behind = 0;
  for (const { start, end } of [...splitScript(text), { start: text.length, end: text.length }]) {
    expect(start).toBeGreaterThanOrEqual(behind);
    for (let at = skipGap(text, behind); at < start; at = skipGap(text, at + 1)) expect(text[at]).toBe(';');
    expect(end).toBeGreaterThanOrEqual(start);
    behind = end;
  }
};

const spansOf = (value: unknown): { start: number; end: number }[] => {
  if (Array.isArray(value)) return value.flatMap(spansOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, piece]) => (key === 'span' ? [piece] : spansOf(piece)));
};

test('the script that is mutated is understood as it is', () => {
  const found = splitScript(SCRIPT).flatMap(({ start, end }) => parseStatement(SCRIPT.slice(start, end)));
  expect(found.filter(({ type }) => type === 'opaque')).toEqual([]);
  expect(found).toHaveLength(20);
});

test('whatever is done to a script, no statement is lost, and none throws', () => {
  for (let seed = 1; seed <= 800; seed++) {
    const text = mutated(seed);
    try {
      expectLossless(text);
      for (const { start, end } of splitScript(text)) {
        const statement = text.slice(start, end);
        const parsed: readonly Statement[] = parseStatement(statement);
        for (const span of spansOf(parsed)) {
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.end).toBeLessThanOrEqual(statement.length);
          expect(span.start).toBeLessThanOrEqual(span.end);
        }
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${text}`, { cause: error });
    }
  }
});

test('what is known of the pieces of a statement is what splitting its own text finds', () => {
  let compared = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const text = seed === 1 ? SCRIPT : mutated(seed);
    for (const raw of splitScript(text)) {
      const pieces = ownPieces(raw);
      if (pieces === undefined) continue;
      const own = text.slice(raw.start, raw.end);
      expect([...chains(statements(own))], `seed ${seed}: ${own}`).toEqual([pieces]);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(2_000);
});

test('a mutation spoils few statements: the rest of the script is read as before', () => {
  const all = splitScript(SCRIPT).length;
  let [kept, cases] = [0, 0];
  for (let at = 0; at < SCRIPT.length; at += 7) {
    for (const piece of ["'", '[', '"', '(']) {
      const text = SCRIPT.slice(0, at) + piece + SCRIPT.slice(at);
      const found = splitScript(text).flatMap(({ start, end }) => parseStatement(text.slice(start, end)));
      kept += found.filter(({ type }) => type !== 'opaque').length / all;
      cases += 1;
    }
  }
  expect(kept / cases).toBeGreaterThan(0.9);
});

describe('time grows with the length', () => {
  test.each([
    ...PIECES.filter((piece) => piece.trim() !== ''),
    "LET a = 'x;\nLET b = ''y'';\n",
    "'\n",
    "''\n",
    "'';\n",
    '[;\n',
    'a:\n',
    'T: LOAD [a\n',
    'INLINE `\n///$tab\n',
    "('",
    '$(a $(b',
    'IF a\n',
    'CALL a(\n',
    "TRACE '\n///$tab\n",
  ])('of %j, again and again', (piece) => {
    const size = 60_000;
    const text = piece.repeat(Math.ceil(size / piece.length));
    const found = [...statements(text)];
    expect(found.length).toBeLessThanOrEqual(text.length);
    for (const statement of splitScript(text).slice(0, 50)) {
      expect(parseStatement(text.slice(statement.start, statement.end)).length).toBeGreaterThan(0);
    }
  });
});
