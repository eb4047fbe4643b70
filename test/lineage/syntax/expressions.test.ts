import { expect, test } from 'vitest';
import { code } from '#agent/lineage/syntax/lexer.ts';
import { parseExpression, parseExpressionAt } from '#agent/lineage/syntax/parser.ts';
import { spelled } from './spelled.ts';

test.each<[string, string]>([
  // Precedence.
  ['a or b and not c = d & e + f * -g', '(<a> or (<b> and (not (<c> = (<d> & (<e> + (<f> * (- <g>))))))))'],
  ['a xor b or c', '((<a> xor <b>) or <c>)'],
  ['a - b - c', '((<a> - <b>) - <c>)'],
  ["a like 'x*' and b precedes c or d follows e", "(((<a> like 'x*') and (<b> precedes <c>)) or (<d> follows <e>))"],
  ['bitnot 3 bitand 4 bitor x', '(((bitnot 3) bitand 4) bitor <x>)'],
  ['(a + b) * c', '([(<a> + <b>)] * <c>)'],
  ['1.5e3 + .5 - 2.', '((1500 + 0.5) - 2)'],
  ['a<>b', '(<a> <> <b>)'],
  ['a>=b', '(<a> >= <b>)'],
  // Names and quotes.
  [
    '%Key + #Zahl + _x + @1 + Umsatz_für_Jahr + Date.autoCalendar.Year',
    '(((((<%Key> + <#Zahl>) + <_x>) + <@1>) + <Umsatz_für_Jahr>) + <Date.autoCalendar.Year>)',
  ],
  ['@1:8 & @9:n', '(<@1:8> & <@9:n>)'],
  ['@1:4I+@5:6T', '(<@1:4I> + <@5:6T>)'],
  ['Продажи / [ქართული]', '(<Продажи> / <ქართული>)'],
  ['[a]]b] & "c""d" & `e f` & \'O\'\'Hara\'', "(((<a]b> & <c\"d>) & <e f>) & 'O'Hara')"],
  ["'c:\\dir\\' & x", "('c:\\dir\\' & <x>)"],
  ['[http://x] & a // b\n& c /* d " */', '((<http://x> & <a>) & <c>)'],
  ['2019Sales + 1', '(<2019Sales> + 1)'],
  ['\u00a0a\u200b+\ufeffb', '(<a> + <b>)'],
  // Functions whose names are keywords elsewhere.
  ['If(Left(a, 2) = 1, Right(b), Replace(c, d, e))', 'if[(left[<a>, 2] = 1), right[<b>], replace[<c>, <d>, <e>]]'],
  ['f(,a,)', "f['', <a>, '']"],
  ['Rand() * Null()', '(rand[] * null[])'],
  // Expansions.
  ['$(v(a,b)) $(op) y', '(($(v(a,b))  $(op))  <y>)'],
  ['Sum(Sales$(v)) + $(fn)(x)', '(sum[<Sales$(v)>] + $(fn)[<x>])'],
  ["$(a)$(b) + [x $(=Max([y])) z] + $(=Concat(')'))", "((<$(a)$(b)> + <x $(=Max([y])) z>) + $(=Concat(')')))"],
  ["'$(=Only({<A={'x'}>} B))' & c", "('$(=Only({<A={'x'}>} B))' & <c>)"],
  ["$(it's) + c", "($(it's) + <c>)"],
  // Qualifiers.
  ['Sum(TOTAL <Region, [R 2]> x) / Sum(Total)', '(sum[total<Region,R 2> <x>] / sum[<Total>])'],
  ['If(Total<Limit, a>b, c)', 'if[(<Total> < <Limit>), (<a> > <b>), <c>]'],
  ['Count(DISTINCT TOTAL {1} x)', 'count[distinct total<> {1<>} <x>]'],
  ['Count({1} total distinct x)', 'count[distinct total<> {1<>} <x>]'],
  ['Sum(All x) + RowNo(TOTAL) + Distinct', '((sum[<x>] + rowno[total<> ]) + <Distinct>)'],
  // Aggr.
  [
    'Aggr(NODISTINCT Max(x), a, (b, (NUMERIC, DESCENDING)), (c, TEXT))',
    'aggr[max[<x>], <a>, [<b>], [<c>] by numeric,descending,text]',
  ],
  ['Aggr(Sum(x), (Year, (=Sum(y), Desc)), (a) & b)', 'aggr[sum[<x>], [<Year>, sum[<y>]], ([<a>] & <b>) by desc]'],
  // Sets.
  ['Sum({<Year={2025}, [Sales Region]-={"A*",\'B\'}>} x)', 'sum[{<Year=2025; Sales Region-=A*|B>} <x>]'],
  [
    'Sum({$ - 1 <Year=, Month += {1, 2}> * BM01 + [Group 1]} x)',
    'sum[{$<> 1<Year=; Month+=1|2> BM01<> Group 1<>} <x>]',
  ],
  ['Sum({$<A={1}><B={2}>, } x)', 'sum[{$<A=1; B=2>} <x>]'],
  ['{<Year={2025}>} Sum(x) / Sum(y)', '(sum[{<Year=2025>} <x>] / sum[<y>])'],
  ['{<Year={2025}>} [Net Sales]', '[{<Year=2025>} <Net Sales>]'],
  ['{1} (Sum(x) / Sum(y))', '[{1<>} (sum[<x>] / sum[<y>])]'],
  [
    'Sum({<D={">=$(=YearStart(Max(P)))<=$(vTo)"}>} x)',
    'sum[{<D=>=$(=YearStart(Max(P)))<=$(vTo)|?$(=YearStart(Max(P)))|?$(vTo)>} <x>]',
  ],
  ['Sum({<N={"=Sum({<A={""x""}>} y) > 100"}>} x)', 'sum[{<N=?(sum[{<A=x>} <y>] > 100)>} <x>]'],
  ['Sum({<D={"$(=Max({<F={"1"}>} D))"}>} x)', 'sum[{<D=$(=Max({<F={"1"}>} D))|?$(=Max({<F={"1"}>} D))>} <x>]'],
  ["Sum({1<N=P({$<K={'x'}>} Other) + E({1})>} x)", 'sum[{1<N=p({$<K=x>}Other)|p({1<>})>} <x>]'],
  ['Sum({<N = Other, M = [Group 2]::M, O = $(vList)>} x)', 'sum[{<N=of Other; M=of M; O=?$(vList)>} <x>]'],
  ['Sum({<$(vFilter), [x $(v)]={1}>} $(vExpr))', 'sum[{<$(vFilter); x $(v)=1>} $(vExpr)]'],
  ['Sum({<A=({1,2}-{3})>+<B*={4}>} x)', 'sum[{<A=1|2|3> <B*=4>} <x>]'],
  ['Sum({(A+B)*{<C={1}>}} x)', 'sum[{A<> B<> <C=1>} <x>]'],
])('%s', (text, expected) => {
  const { expression, diagnostics } = parseExpression(text, { mode: 'chart' });
  expect(spelled(expression)).toBe(expected);
  expect(diagnostics.filter(({ message }) => !message.startsWith('"," in a set'))).toEqual([]);
});

test.each<[string, string, number]>([
  ['Sum([Amount', 'sum[?[Amount?]', 4],
  ['Sum(a b) + c', '(sum[(<a>  <b>)] + <c>)', 6],
  ['a + * b', '(<a> + <b>)', 4],
  ['Sum({<A={1} x) + b', 'sum[{<A=1', 13],
  ['', '??', 0],
  ['a ) b', '(<a>  <b>)', 2],
])('%s is read as far as it can be', (text, expected, offset) => {
  const { expression, diagnostics } = parseExpression(text, { mode: 'chart' });
  expect(spelled(expression)).toContain(expected);
  expect(diagnostics[0]?.start).toBe(offset);
});

test('in a script, an expression ends where the statement goes on', () => {
  const found = code("Date(a, 'x') AS b, If(c, d FROM [lib://x]");
  const first = parseExpressionAt(found, 0, 'script');
  expect(spelled(first.expression)).toBe("date[<a>, 'x']");
  expect(found[first.next]?.text).toBe('AS');
  const second = parseExpressionAt(found, first.next + 3, 'script');
  expect(spelled(second.expression)).toBe('if[<c>, <d>]');
  expect(second.diagnostics.map(({ message }) => message)).toEqual(['")" is missing']);
  expect(found[second.next]?.text).toBe('FROM');
  const third = parseExpressionAt(code('$(vFields) from x'), 0, 'script');
  expect([spelled(third.expression), third.next]).toEqual(['$(vFields)', 1]);
});
