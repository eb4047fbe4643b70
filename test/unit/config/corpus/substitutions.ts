import { family, texts } from './case.ts';

const plain = texts(`
a = 1, b = €{a}
---
b = €{a}, a = 1
---
b = €{a}, a = 1, a = 2
---
a = €{nope}
---
a = €{?nope}
---
a = €{?nope}, a = 1
---
a = 1, a = €{?nope}
---
a = {x=1}, a = €{?nope}
---
a = €{?nope} b
---
a = b €{?nope}
---
a = €{?nope}€{?nope}
---
a = €{?nope} €{?nope}
---
a = "€{b}", b = 1
---
a = x€{b}y, b = 1
---
a = x €{b} y, b = 1
---
a = €{b}€{c}, b = 1, c = 2
---
a = €{b} €{c}, b = 1, c = 2
---
a = "x"€{b}"y", b = 1
---
a = €{b}, b = "1"
---
a = €{b}, b = true
---
a = €{b}, b = null
---
a = €{?b}, b = null
---
a = x€{b}, b = null
---
a = €{b}x, b = 1.50
---
a = €{b}x, b = 0123
---
a = €{b}, b = 0123
---
a = €{b.c}, b = {c=1}
---
a = €{b.c}, b.c = 1
---
a = €{b.c}, b = 1
---
a = €{?b.c}, b = 1
---
a = €{b."c.d"}, b."c.d" = 1
---
a = €{"b c"}, "b c" = 1
---
a = €{b c}, b c = 1
---
a = €{ b }, b = 1
---
a = €{? b }, b = 1
---
a = €{ ?b }, b = 1
---
a = €{b
}, b = 1
---
a = €{}, b = 1
---
a = €{b, b = 1
---
a = €{b}}, b = 1
---
a = €{b=c}
---
a = €{€{b}}, b = c
---
a = € {b}
---
a = €{b}, b = €{c}, c = 1
---
a = €{b}, b = {c=1}
---
a = €{b} {d=2}, b = {c=1}
---
a = {d=2} €{b}, b = {c=1, d=3}
---
a = €{b} {c=2}, b = {c=1}
---
a = €{b}, a = {d=2}, b = {c=1}
---
a = {d=2}, a = €{b}, b = {c=1}
---
a = {d=2}, a = €{b}, b = 5
---
a = {d=2}, a = €{b}, a = {e=3}, b = {c=1}
---
a = €{b} €{c}, b = {x=1}, c = {y=2}
---
a = €{b} €{c}, b = {x=1}, c = 2
---
a = €{b}, b = [1,2]
---
a = €{b} [3], b = [1,2]
---
a = [0] €{b}, b = [1,2]
---
a = €{b} €{c}, b = [1], c = [2]
---
a = [€{b}, €{c}], b = 1, c = {x=1}
---
a = [€{?nope}]
---
a = [1, €{?nope}, 2]
---
a = [€{?nope} x]
---
a = €{?nope} [1]
---
a = [1] €{?nope}
---
a = €{?nope} {b=1}
---
a = €{b} [1], b = 5
---
a { b = 1, c = €{b} }, b = 2
---
a { b = 1, c = €{a.b} }
---
bar : { foo : 42, baz : €{bar.foo} }
---
bar : { foo : 42, baz : €{bar.foo} }, bar : { foo : 43 }
---
bar : { a : €{foo.d}, b : 1 }, bar.b = 3, foo : { c : €{bar.b}, d : 2 }, foo.d = 4
---
base { x = 1, y = 2 }, one = €{base} { y = 3 }, two = €{one} { z = 4 }
---
base { x = €{v} }, v = 1, one = €{base}, one.x = 2
---
a.b.c = €{d.e.f}, d.e = {f = {g = 1}}
---
a = €{x}, x = {p = €{q}}, q = 1, x.r = €{x.p}
---
a = foo€{b}bar, b = {c=1}
---
a = €{b}, b = """x
y"""
---
a = €{CULVERT_A}
---
a = €{?CULVERT_A}
---
a = pre-€{CULVERT_A}-post
---
a = €{CULVERT_EMPTY}
---
a = x€{?CULVERT_EMPTY}y
---
a = €{CULVERT_NUMBER}
---
a = €{?CULVERT_NOPE}
---
a = €{CULVERT_NOPE}
---
a = 1, a = €{?CULVERT_A}
---
a = 1, a = €{?CULVERT_NOPE}
---
CULVERT_A = mine, a = €{CULVERT_A}
---
CULVERT_A = null, a = €{CULVERT_A}
---
CULVERT_A = €{CULVERT_A}x
---
CULVERT_A = €{?CULVERT_A}
---
a = €{"culvert.dotted"}
---
a = €{?culvert.dotted}
---
secret_manager { enabled = true, key = k }, a = €{secret_manager.key}
---
secret_manager { enabled = true, key = k }, a = €{secret_manager.x}
---
x = €{a}, a = {b = 1, c = €{a.b}}
---
a = €{b}, c = €{a}, b = €{d}, d = 9
---
a : { b : 1 }, c : €{a}, c.b = 2, d = €{c.b}€{a.b}
---
a = {k = 1}, b = €{a}, b = {l = 2}, b = €{b}, d = €{b.k}
`);

const selfReferences = texts(`
a = €{a}
---
a = €{?a}
---
a = €{a}x
---
a = €{?a}x
---
a = 1, a = €{a}
---
a = 1, a = €{a}2
---
a = 1, a = €{a}2, a = €{a}3
---
a = 1, a = €{a}€{a}, a = €{a}€{a}
---
path = "a:b:c", path = €{path}":d"
---
path = [ /etc ], path = €{path} [ /usr/bin ]
---
a = €{?a}, a = 1
---
a = {b=1}, a = €{a}
---
a = {b=1}, a = €{a} {c=2}
---
a = {b=1}, a = {c=2} €{a}
---
a = {b=1, c=2}, a = €{a.b}
---
a = {b={c=1}}, a = €{a.b}
---
foo : { a : { c : 1 } }, foo : €{foo.a}, foo : { a : 2 }
---
a = {b = €{a}}
---
a = {b = €{?a}}
---
a = {b = €{a.b}}
---
a = {b = €{?a.b}}
---
a = {b = €{a.c}, c = 1}
---
a = {b = €{a.c}, c = €{a.b}}
---
a = {b = 1}, a = {b = €{a.b}2}
---
a.b = 1, a.b = €{a.b}2
---
a = €{b}, b = €{a}
---
a = €{?b}, b = €{?a}
---
a = €{b}, b = €{c}, c = €{a}
---
a = 1, b = 2, a = €{b}, b = €{a}
---
a = [€{a}]
---
a = [1], a = [€{a}]
---
a = [1], a = €{a}[2], a = €{a}[3]
---
x = {k = 1}, foo = €{x}, foo.k = €{foo.k}2
---
a = 1, a = [€{a}]
---
a = €{x}, x = {b = €{a.c}}, a.c = 5
---
a += €{?b}, a += 2
---
a = x, a = €{?a}€{b}, b = €{?c}y
---
a = 1, a = €{a}2, b = €{a}
---
b = €{a}, a = 1, a = €{a}2
---
a { p = 1 }, a { p = €{a.p}0, q = €{a.p}1 }
---
dir = /x, conf { dir = €{dir}/y, file = €{conf.dir}/z }
---
a = €{a} {b=1}
---
a = €{?a} {b=1}
---
a = €{?a} [1]
---
a = {b=1} €{?a}
---
a {b=1} €{?a}
---
a.b = €{?a}x
---
a.b = €{?a}
---
a.b = €{a}
---
a.b = €{?a}[1]
---
a.b = 1, a.b = €{?a}2
---
a.b.c = €{?a} €{?a.b} x
---
a = 1, a.b = €{?a}x
---
c = null, c.a = x €{?c}
`);

export const substitutionCases = [...family('substitution', plain), ...family('self', selfReferences)];
