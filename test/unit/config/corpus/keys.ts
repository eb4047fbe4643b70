import { family, texts } from './case.ts';

const { raw } = String;

const keys = texts(raw`
a.b = 1
---
a.b.c = 1, a.b.d = 2
---
a.b = 1, a = { c = 2 }
---
a = { c = 2 }, a.b = 1
---
"a.b" = 1
---
"a"."b" = 1
---
a."b.c".d = 1
---
a . b = 1
---
a .b = 1
---
a. b = 1
---
a b = 1
---
a b c.d e = 1
---
.a = 1
---
a. = 1
---
a..b = 1
---
"" = 1
---
a."" = 1
---
"".a = 1
---
a"" = 1
---
a"b" = 1
---
"a"b = 1
---
"a" "b" = 1
---
1 = 1
---
1.2 = 1
---
1.2.3 = 1
---
1a = 1
---
-1 = 1
---
1e3 = 1
---
true = 1
---
null = 1
---
truely = 1
---
a-b_c = 1
---
a/b = 1
---
é = 1
---
"a\nb" = 1
---
"""a""" = 1
---
a$b = 1
---
a@b = 1
---
[a] = 1
---
{a} = 1
---
__proto__ = 1
---
__proto__.polluted = 1
---
__proto__ { polluted = 1 }
---
constructor.prototype.polluted = 1
---
constructor = 1, toString = 2, hasOwnProperty = 3
---
a.__proto__.b = 1, a.c = 2
---
a { __proto__ = { b = 1 } }, b = €{a.__proto__.b}
---
include = 1
---
"include" = 1
---
a.include = 1
---
include.a = 1
---
includes = 1
---
a include = 1
---
€{a} = 1
---
a = 1, A = 2
---
#a = 1
---
a#b = 1
---
a//b = 1
---
*a = 1
---
a? = 1
---
a' = 1
---
'a' = 1
`);

export const keyCases = family('keys', keys);
