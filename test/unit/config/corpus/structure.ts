import { family, texts } from './case.ts';
import { includeCases } from './includes.ts';
import { keyCases } from './keys.ts';

const { raw } = String;
const layout = [
  '',
  ' ',
  '\n\n',
  '# only a comment',
  '// only a comment',
  '{}',
  ' { } ',
  '{}\n\n# end',
  'a=1',
  'a=1\n',
  'a = 1,',
  'a = 1,,',
  ',a = 1',
  'a = 1, b = 2',
  'a = 1,\nb = 2',
  'a = 1\n,b = 2',
  'a = 1\n\n,\n\nb = 2',
  'a = 1\n,,\nb = 2',
  'a = 1 b = 2',
  'a : 1',
  'a:1,b:2',
  '{"a":1,"b":[1,2],"c":{"d":null}}',
  '{"a":1,"b":[1,2],"c":{"d":null}',
  '{a=1}}',
  '{a=1} {b=2}',
  '{a=1} b',
  '{a=1},',
  '{a=1} # c',
  '}',
  'a=1}',
  'a=1\n}',
  '[]',
  '[1]',
  '[1',
  'a',
  'a b',
  '"a"',
  '1',
  '= 1',
  'a {b=1}',
  'a{b=1}',
  'a {b=1} c=2',
  'a {b=1}, c=2',
  'a {b=1}\nc=2',
  'a\n{b=1}',
  'a\n=\n1',
  'a\n\n:\n\n1',
  'a = # c\n1',
  'a # c\n= 1',
  'a = 1 # c',
  'a = 1 // c',
  'a = 1# c',
  '# c\na = 1',
  '{ # c\n a = 1 # d\n} // e',
  'a = {\n  b = 1\n  c = 2\n}',
  'a = {\n  b = 1,\n  c = 2,\n}',
  'a = { b = 1 c = 2 }',
  'a = {b {c {d = 1}}}',
  'a = {b = 1',
  'a = [1, 2',
  'a = 1; b = 2',
  'a += 1',
  'a +=1',
  'a+=1',
  'a + = 1',
  'a ++ 1',
  'a == 1',
  'a = = 1',
  'a : = 1',
  'a := 1',
  'a => 1',
  'a -> 1',
  '/* block */ a = 1',
  'a = 1 /* block */',
  '\ufeffa = 1',
  '\ufeff{a = 1}',
  'a = 1\ufeff',
  'a\ufeff= 1',
  'a = \ufeff1',
  'a = 1\r\nb = 2\r\n',
  'a = foo\r\nb {\r\n c = 1\r\n}\r\n',
  'a = 1\rb = 2',
  'a\u00a0=\u00a01',
  'a = x\u00a0y',
  'a = \u2003x\u2003',
  'a = x\u2028y',
  'a =\t1',
  'a = x\f',
  '\ta\t=\tx\ty\t',
  'a = 1\u0000',
  'a = "x" \\\n "y"',
];

const merging = texts(raw`
a = 1, a = 2
---
a = 1, a = null
---
a = null, a = {b=1}
---
a = {b=1}, a = null
---
a = {b=1}, a = {c=2}
---
a = {b=1}, a = {b=2}
---
a = {b=1}, a = 5, a = {c=2}
---
a = {b=1}, a = [1], a = {c=2}
---
a = [1], a = [2]
---
a = {b={c=1}}, a = {b={d=2}}
---
a = {b={c=1}}, a = {b=2}
---
a {b=1}
a {c=2}
a.d = 3
---
a.b.c = 1
a.b = 2
a.b.d = 3
---
a = "x", a = {b=1}, a.c = 2
---
a = {b=1, b=2, b={c=1}, b={d=1}}
---
a = {b=1}{c=2}
---
a = {b=1} {b=2}
---
a = {b=1}
{c=2}
---
a = {b={x=1}} {b={y=2}}
---
a = {} {b=1} {}
---
a = {b=1} foo
---
a = foo {b=1}
---
a = {b=1} 1
---
a = {b=1} "foo"
---
a = {b=1} [1]
---
a = [1] {b=1}
---
a = {"0":1,"1":2} [3]
---
a = [3] {"1":5,"0":4}
---
a = [3] {"x":5,"0":4}
---
a = {b=1} true
---
a = {b=1} null
---
a {b=1} {c=2}
---
a {b=1} foo
---
a {b=1}{c=2}
---
a = "q" {b=1}, a = [1]
---
a = [1] 2, a = 3
---
a = {"0":1} [2], a = 3
---
a {b=1} # c
---
a {b=1};
---
a.b += {b={c=2}} [1]
a.b = null
`);

const lists = texts(raw`
a = []
---
a = [ ]
---
a = [1]
---
a = [1,2,3]
---
a = [1,2,3,]
---
a = [1,2,3,,]
---
a = [,1]
---
a = [,]
---
a = [1,,2]
---
a = [
1
2
3
]
---
a = [
1,
2
,3
]
---
a = [ # c
1 # d
// e
2
]
---
a = [1 2 3]
---
a = [foo bar, baz]
---
a = ["x", 'y', z]
---
a = [[1],[2,[3]]]
---
a = [{b=1},{c=2}]
---
a = [{b=1}{c=2}]
---
a = [{b=1}
{c=2}]
---
a = [1][2]
---
a = [1] [2] [3]
---
a = [1]
[2]
---
a = [1] foo
---
a = foo [1]
---
a = [1] 2
---
a = 2 [1]
---
a = [1] "x"
---
a = [null, true, 1.5]
---
a = [a = 1]
---
a = [1}
---
a = {1]
---
a = ]
---
a = [1] ]
---
a = [b {c=1}]
---
a = ["https://x", https://y]
---
a += 1, a += 2
---
a = [1], a += 2
---
a = [1], a += [2]
---
a = 1, a += 2
---
a.b += 1, a.b += 2
---
a = {}, a += 1
---
a = null, a += 1
---
a += {b=1}, a += {c=2}
---
a = [{b += 1}]
---
a { b += 1 }, a { b += 2 }
---
list = [1,2], list += 3
---
a += [1], a += [2]
---
a += foo bar
---
a += €{b}, b = 7
---
a = €{b}, b = [1], a += 2
`);

export const structureCases = [
  ...family('layout', layout),
  ...keyCases,
  ...family('merging', merging),
  ...family('lists', lists),
  ...includeCases,
];
