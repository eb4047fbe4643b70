import { family } from './case.ts';

const file = (connection: string): string => `name = "Qlik Sense"
code = "qlik-prod"
connector_id = "qlik-sense"
enabled = true
# catalog_code = default
connection {
${connection}
}
`;

/** Bodies of the object `connection`, right and wrong, as people write them. */
const bodies = [
  '  url = "https://qlik.example.com/vp"\n  auth.key = "X-Qlik-User"\n  auth.value = "CORP\\\\svc"',
  '  url = "https://qlik.example.com/vp"\n  auth {\n    key = X-Qlik-User\n    value = """CORP\\svc x"""\n  }',
  '  url = https://qlik.example.com/vp\n  auth.key = "X-Qlik-User"',
  '  url = "https://qlik.example.com/vp"\n  auth.key = X-Qlik-User\n  auth.value = CORP\\svc',
  '  url = "https://qlik.example.com/vp"\n  auth.value = "CORP\\svc"',
  '  url = "https://qlik.example.com/vp"\n  auth.value = "CORP\\user1"',
  '  url = "https://qlik.example.com/vp"\n  auth.value = "CORP\\nadmin"',
  '  auth.password = abc#def',
  '  auth.password = abc//def',
  '  auth.password = "pa""ss"',
  "  auth.password = 'abc'",
  "  url = 'https://qlik.example.com'",
  '  auth.password = 0123',
  '  auth.password = ab,cd',
  '  auth.password = ab}cd',
  '  auth.password = ab{cd',
  '  auth.password = [ab',
  '  auth.password = "abc""',
  '  auth.password = ""abc"',
  '  auth.password = "abc',
  '  timeout = 10s',
  '  port = "8080"',
  '  port = 8080',
  '  enabled = yes',
  '  url = €{?QLIK_URL}\n  url = "https://qlik.example.com"',
  '  url = "https://qlik.example.com"\n  url = €{?QLIK_URL}',
  '  base = "https://qlik.example.com"\n  url = €{connection.base}"/vp"',
  '  auth.value = "CORP\\\\"€{CULVERT_A}',
  '  alias = ["host:1521/db", "other:1521/db"]',
  '  filter = """\n    name = \'x\' and not stream in (\'a\', \'b\')\n  """',
  '  sites { enabled = true, list = "a b", a { url = "https://a" }, b { url = "https://b" } }',
];

/** `key =` with nothing after it: Lightbend refuses what Culvert takes as absent. */
const empties = [
  '{a = }',
  '{a : }',
  'a =',
  'a =\n',
  'a = # comment',
  'a =\nb = 1',
  'a =\nb : 1',
  'a =\nb += 1',
  'a =\nb { c = 1 }',
  'a =\n\n# comment\nb = 1',
  'a =\n"b" = 1',
  'a =\nb.c = 1',
  'a =\nb c = 1',
  'connection {\n  url =\n  auth.key =\n  auth.value =\n}',
  'proxy {\n  scheme =\n  hostname =\n  port =\n}\ntls.truststore.path =\n',
];

/** Beginnings like the former that mean something to Lightbend too, or are wrong to both. */
const notEmpty = [
  'a =\nb',
  'a =\n1',
  'a =\n"b"',
  'a =\n{b=1}',
  'a =\n[1]',
  'a =\nb\nc = 1',
  'a = b = 1',
  'a = b { c = 1 }',
  'a = ,',
  'a = , b = 1',
  'a = ]',
  '[a = ]',
  'a =\n= 1',
  'a =\n, b = 1',
  'a =\n€{b}\nb = 1',
  'a =\ninclude "x"\nb = 1',
  'a = ""\nb = 1',
];

export const connectionCases = [
  ...family('file', bodies.map(file)),
  ...family('empty', empties),
  ...family('not-empty', notEmpty),
];
