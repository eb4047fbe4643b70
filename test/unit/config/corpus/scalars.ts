import { family } from './case.ts';

const { raw } = String;

/** Values after `a = `, one on a line. */
const unquoted = raw`
foo
foo bar
foo  bar   baz
foo-bar_baz
foo.bar
foo/bar
a/b/c
foo'bar
'single'
it's
(paren)
<tag>
a~b
a|b
a;b
a%20b
true
false
null
yes
no
on
off
True
FALSE
truefoo
nullable
falsey
footrue
true false
true1
null null
1
0
-1
-0
+1
00
007
0123
1.10
1.0
1.5
.5
5.
-.5
-5
1e3
1E3
1e+3
1e-3
1.5e10
1e
e5
1.2.3
1-2
1+2
-
--1
1_000
0x1F
1d
1f
1L
10s
1 2
1 2 3
1 . 2
1.2 3
9223372036854775807
9223372036854775808
-9223372036854775808
-9223372036854775809
12345678901234567890
123456789012345678901234567890
9007199254740993
1e400
1e-400
192.168.0.1
2024-01-02
2024-01-02T03:04:05
12:30
foo:bar
foo=bar
foo==bar
https://example.com/x
//comment
#comment
foo#bar
foo #bar
foo//bar
foo //bar
foo/bar//baz
foo/ /bar
CORP\svc
C:\certs\x.p12
C:/certs/x.p12
pa@ss
pa$ss
pa$$ss
pa!ss
pa^ss
pa&ss
pa*ss
pa?ss
pa+ss
pa+=ss
pa,ss
pa[ss
pa]ss
pa{ss
pa}ss
pa"ss
pa"ss"
pa\ss
pa\u0060ss
~!x
%
é
日本語
😀
x y
include
include foo
includes
a include b
€
€{
€{}
€{?}
@
&
`
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.replace('\\u0060', '`'));

/** The same with strings in double quotes. */
const quoted = raw`
""
" "
"foo"
"foo bar"
"CORP\\svc"
"CORP\svc"
"CORP\user1"
"CORP\nadmin"
"CORP\tom"
"CORP\bob"
"CORP\robert"
"CORP\frank"
"CORP\admin"
"CORP\\nadmin"
"\""
"\\"
"\/"
"\'"
"a\"b\"c"
"\u0041"
"\u00e9"
"\u20AC"
"\ud83d\ude00"
"\u12"
"\u12G4"
"\x41"
"\0"
"\
"
"a
b"
"unclosed
unclosed"
"foo" "bar"
"foo""bar"
"foo"bar
bar"foo"
"foo" bar "baz"
"foo"	"bar"
"foo" 1
1 "foo"
"foo" true
"#not a comment"
"//not a comment"
"€{a}"
"€{?a}"
"a=b,c:d{e}[f]"
"0123"
"true"
"null"
"é日本語😀"
"C:\certs\x.p12"
"C:\\certs\\x.p12"
"https://example.com"
""foo""
"foo"""
"""foo"""
""""foo""""
"""foo"bar"""
"""foo""bar"""
"""foo\nbar"""
"""CORP\svc"""
"""CORP\\svc"""
"""C:\certs\x.p12"""
"""€{a}"""
""""""
""" """
"""foo""" bar
"""foo""""bar"
"""foo" ""
"""foo
bar"""
"""
foo
"""
"""unclosed
"""unclosed"
"""a""""
"""a"""""
`
  .replace(/^\n/, '')
  .replaceAll(/"\\\n"/g, '"\\\u0001"')
  .split(/\n(?=["'a-z01])/)
  .filter((line) => line.trim() !== '')
  .map((line) => line.replace(/\n$/, '').replace('\u0001', '\n'));

export const scalarCases = [
  ...family(
    'unquoted',
    unquoted.map((value) => `a = ${value}\nb = 1\n`),
  ),
  ...family(
    'quoted',
    quoted.map((value) => `a = ${value}\nb = 1\n`),
  ),
  ...family('control', [
    'a = "x\ty"',
    'a = "x\u0001y"',
    'a = "x\u007fy"',
    'a = """x\ty"""',
    'a = x\ty',
    'a = "x\r\ny"',
  ]),
];
