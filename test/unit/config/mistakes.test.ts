import { describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { formatProblem } from '#config/connection/problem.ts';
import type { Problem } from '#protocol/status.ts';

/** A file whose `connection` has the line given as its third; the line is line 7 of the file. */
const withLine = (line: string, below = ''): string => `name = "Qlik"
code = qlik-prod
connector_id = "qlik-sense"
connection {
  url = "https://qlik.example.com/vp"
  auth.key = "X-Qlik-User"
  ${line}
}
${below}`;

const parse = (text: string) =>
  parseConnection(text, 'qlik.conf', {
    folder: '/nowhere',
    env: {},
    readFile: () => ({ type: 'missing', reason: 'it does not exist' }),
  });

const first = (text: string): Problem => {
  const [problem] = parse(text).problems;
  if (problem === undefined) throw new Error('no problem was found');
  return problem;
};

test('a variable that is not set is named where the key is missing', () => {
  const text = `name = a\ncode = a\nconnector_id = "qlik-sense"\nconnection { url = "https://a.example.com", auth { type = windows, username = u\n  password = \${?CULVERT_NOT_SET}\n} }\n`;
  const { problems } = parseConnection(text, 'a.conf', { folder: '/nowhere', env: {} });
  expect(problems[0]).toMatchObject({ code: 'config.missing_key', line: 5 });
  expect(problems[0]?.advice).toContain('CULVERT_NOT_SET is not set for this process');
});

describe('mistakes that people make in the line of a credential', () => {
  test.each([
    [
      'auth.value = "CORP\\svc_x"',
      'config.syntax',
      21,
      'starts an escape',
      'Write two backslashes for one: "…\\\\s…".',
    ],
    ['auth.value = "CORP\\user1"', 'config.syntax', 21, '\\u inside', 'Write two backslashes for one: "…\\\\u…".'],
    ['auth.value = CORP\\svc', 'config.syntax', 20, 'only inside double quotes', '"DOMAIN\\\\user"'],
    [
      'auth.value = "CORP\\nadmin"',
      'config.suspicious_value',
      21,
      '\\n inside double quotes is a line end',
      '"…\\\\n…"',
    ],
    ['auth.value = "CORP\\tom"', 'config.suspicious_value', 21, '\\t inside double quotes is a tab', '"…\\\\t…"'],
    ['auth.value = "CORP\\bob"', 'config.suspicious_value', 21, 'a backspace', '"…\\\\b…"'],
    ['auth.value = "CORP\\robert"', 'config.suspicious_value', 21, 'a carriage return', '"…\\\\r…"'],
    ['auth.value = "CORP\\frank"', 'config.suspicious_value', 21, 'a form feed', '"…\\\\f…"'],
    ['auth.value = """CORP\\\\svc"""', 'config.suspicious_value', 23, 'has two of them', 'one backslash'],
    ['auth.value = abc#def', 'config.suspicious_value', 19, '# begins a comment', 'double quotes'],
    ['auth.value = abc//def', 'config.suspicious_value', 19, '// begins a comment', 'double quotes'],
    ['auth.value = "pa""ss"', 'config.suspicious_value', 20, 'side by side', 'write \\" for it'],
    ['auth.value = pa"ss"', 'config.suspicious_value', 18, 'vanish', 'double quotes'],
    ['auth.value = “abc”', 'config.suspicious_value', 16, 'Typographic quotes', 'plain double quotes'],
    ["auth.value = 'abc'", 'config.suspicious_value', 16, 'Single quotes', 'double quotes'],
    ['auth.value = "abc', 'config.syntax', 16, 'not closed', 'Close it'],
    ['auth.value = "abc""', 'config.syntax', 21, 'one quote too many', 'Delete it'],
    ['auth.value = ab,cd', 'config.syntax', 19, 'comma', 'double quotes'],
    ['auth.value = ab@cd', 'config.syntax', 18, 'character @', 'double quotes'],
    ['auth.value = ab$cd', 'config.syntax', 18, 'character $', 'double quotes'],
    ['auth.value = ab:cd', 'config.syntax', 18, 'character :', 'double quotes'],
    ['auth.value = ab=cd', 'config.syntax', 18, 'character =', 'double quotes'],
    ['auth.value = ab[cd', 'config.syntax', 18, '[', 'double quotes'],
    ['auth.value = ab{cd', 'config.syntax', 19, 'After a key', 'double quotes'],
    ['auth.value = ab}cd', 'config.syntax', 18, 'ends the object', 'double quotes'],
    ['auth.value = "€{NOPE}"', 'config.suspicious_value', 16, 'not replaced', 'quotes away'],
    ['auth.value = €{NOPE}', 'config.syntax', 16, '€{NOPE} is defined neither', 'environment variable'],
    ['auth.value = €{secret_manager.x}', 'secrets.missing', 16, 'enabled is not true', 'enabled = true'],
    ['auth.value =', 'config.missing_key', 3, 'auth.value is missing', '"DOMAIN\\\\user"'],
  ])('%s', (line, code, column, message, advice) => {
    // `€` stands for `$`, so that the lines are no template literals.
    const problem = first(withLine(line.replace('€', '$')));
    expect(problem).toMatchObject({ severity: 'error', code, file: 'qlik.conf', line: 7, column });
    expect(problem.message).toContain(message.replace('€', '$'));
    expect(problem.advice).toContain(advice);
  });

  test('what is written right is taken', () => {
    for (const line of [
      'auth.value = "CORP\\\\svc"',
      'auth.value = """CORP\\svc x"""',
      'auth.value = "p#a/""ss"'.replace('""', '\\"'),
      'auth.value = abc # a comment',
      'auth { value = abc }',
    ])
      expect(parse(withLine(line)).problems).toEqual([]);
  });

  test('a `key =` with nothing after it warns at its line', () => {
    const { problems } = parse(withLine('auth.value = "x"', 'environment =\ndescription = # later\ncatalog_code ='));
    expect(problems.map(({ severity, code, line }) => [severity, code, line])).toEqual([
      ['warning', 'config.empty_value', 9],
      ['warning', 'config.empty_value', 10],
      ['warning', 'config.empty_value', 11],
    ]);
    expect(problems[1]?.message).toContain('what follows is a comment');
  });

  test('a `key =` before an include, which Lightbend takes for the value', () => {
    expect(parse(withLine('auth.value = "x"', 'environment =\n# c\n\ninclude "x"')).problems).toMatchObject([
      { severity: 'warning', code: 'config.suspicious_value', line: 12, column: 1 },
    ]);
  });

  test('a substitution that leads nowhere is named where it stands', () => {
    expect(first(withLine('auth.value = €{?NOPE}'.replace('€', '$')))).toMatchObject({
      code: 'config.missing_key',
      line: 7,
      column: 3,
    });
  });

  test('the untouched template says what is to be filled in', () => {
    const { problems, connection } = parse(
      'name =\ncode =\nconnector_id = "qlik-sense"\nconnection {\n url =\n auth.key =\n auth.value =\n}',
    );
    expect(connection).toBeUndefined();
    expect(
      problems.filter(({ severity }) => severity === 'error').map(({ line, message }) => [line, message.split(' ')[0]]),
    ).toEqual([
      [1, 'name'],
      [2, 'code'],
      [4, 'connection.auth'],
      [5, 'connection.url'],
    ]);
    expect(problems.filter(({ severity }) => severity === 'warning')).toHaveLength(5);
  });
});

describe('mistakes in lines that may be shown', () => {
  test.each([
    ['tls.truststore.path = "C:\\certs\\x.p12"', 26, 'Write tls.truststore.path = "C:\\\\certs\\\\x.p12".'],
    ['tls.truststore.path = C:\\certs\\x.p12', 24, 'Write tls.truststore.path = "C:\\\\certs\\\\x.p12".'],
    ['environment = pro:duction', 18, 'Write environment = "pro:duction".'],
    ["environment = 'pro:duction'", 19, 'Write environment = "pro:duction".'],
  ])('%s', (line, column, advice) => {
    const problem = first(withLine('auth.value = "x"', line));
    expect(problem).toMatchObject({ code: 'config.syntax', line: 9, column });
    expect(problem.advice).toContain(advice);
    expect(problem.excerpt).toBe(line);
  });

  test('an unquoted URL', () => {
    const problem = first('name = x\nconnection.url = https://qlik.example.com/vp');
    expect(problem).toMatchObject({
      line: 2,
      column: 23,
      advice: 'Write connection.url = "https://qlik.example.com/vp".',
    });
  });

  test('a key set twice', () => {
    const { problems, connection } = parse(withLine('auth.value = "x"', 'name = "Other"'));
    expect(problems).toMatchObject([{ severity: 'warning', line: 9, message: expect.stringContaining('line 1') }]);
    expect(connection?.name).toBe('Other');
  });

  test('a file that is not UTF-8', () => {
    expect(first(Buffer.from('name = "x"\ncode = "\xe9"', 'latin1').toString('latin1')).code).not.toBe('config.syntax');
    const latin = parseConnection(Buffer.from('name = "x"\ncode = "\xe9"', 'latin1'), 'q.conf', { folder: '/nowhere' });
    expect(latin.problems).toMatchObject([{ code: 'config.syntax', line: 2 }]);
    const wide = parseConnection(Buffer.from('\ufeffname = "x"', 'utf16le'), 'q.conf', { folder: '/nowhere' });
    expect(wide.problems[0]?.message).toContain('UTF-16');
  });
});

describe('secrets', () => {
  const canary = 'canary-5ecret';
  test.each([
    withLine(`auth.value = "${canary}\\nx"`),
    withLine(`auth.value = ${canary}@x`),
    withLine(`auth.value = "${canary}`),
    withLine(`auth.value = "x" "${canary}" ]`),
    withLine(`auth.value = ab,${canary}`),
    withLine(`auth.value = {${canary}}`),
    withLine(`auth.value = [${canary}`),
    withLine(`auth.value = x\${${canary}}`),
    withLine(`auth.value = """\nname = ${canary}\n""" ]`),
    withLine(`auth.vlaue = ${canary}`),
    withLine(`auth { key = "X, value = "${canary}" }`),
    withLine(`auth { type = "x", key = 'X', value = ${canary} }`),
    withLine('auth.value = x', `api.key = ${canary}`),
    withLine('auth.value = x', `api {\n key = "${canary}"\n path = ${canary}@ }`),
    withLine(`${canary}`),
    withLine(`"${canary}!" = 1`),
    withLine(`auth.token = "${canary}"\n  auth.type = jwt`),
    withLine('auth.value = x', `connection.url = "https://joe:${canary}@qlik.example.com/"`),
    withLine('auth.value = x', `connection.url = https://joe:${canary}@qlik.example.com/`),
    withLine('auth.value = x', `connection.engine_url = "wss://${canary}@qlik.example.com/"`),
    withLine('auth.value = x', `proxy { hostname = p, password = ${canary} }`),
    withLine('auth.value = x', `proxy.password = ${canary}#1`),
    withLine('auth.value = x', `json_key = "${canary}"`),
    withLine('auth.value = x', `environment = x${'\t'}# was ${canary}\nenvironment = a:b # was ${canary}`),
    withLine(`auth { type = certificate, certificate.path = "-----BEGIN x\\n${canary}" }`),
    withLine(
      `auth { type = certificate, user_id = a, user_directory = b, certificate { path = c, key_path = "-----BEGIN PRIVATE KEY-----\\n${canary}" } }`,
    ),
  ])('stay out of every problem: case %#', (text) => {
    const { problems } = parse(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toContain(canary);
    for (const problem of problems) expect(formatProblem(problem)).not.toContain(canary);
  });

  test('a value that was taken prints as nothing', () => {
    const { connection } = parse(withLine(`auth.value = "${canary}"`));
    expect(JSON.stringify(connection)).not.toContain(canary);
    expect(connection?.authentication.type === 'header' && connection.authentication.value.reveal()).toBe(canary);
  });
});

describe('formatProblem', () => {
  test('shows place, line, caret and advice', () => {
    expect(
      formatProblem(first(withLine('auth.value = "x"', 'environment = a:b'))),
    ).toBe(`qlik.conf:9:16: error: The character : may stand in a value only inside double
quotes.
9 | environment = a:b
  |                ^
  Write environment = "a:b".`);
  });

  test('fits the width, with the caret below the column, on lines of any length', () => {
    const long = `environment = ${'long '.repeat(30)}x:y`;
    for (const width of [40, 80, 120]) {
      const text = formatProblem(first(withLine('auth.value = "x"', long)), width);
      const lines = text.split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
      const caret = lines.findIndex((line) => /^ *\| *\^$/.test(line));
      expect(lines[caret - 1]?.[lines[caret]?.indexOf('^') ?? -1]).toBe(':');
    }
  });
});

describe('a file that is not what its name says', () => {
  test('YAML in a .conf file', () => {
    const problem = first('name: Qlik\nconnection:\n  url: https://qlik.example.com/vp\n');
    expect(problem.code).toBe('config.syntax');
    expect(problem.advice).toContain('If this is YAML, let the name of the file end in .yaml.');
  });

  test.each(['utf-16le', 'utf-16be'])('%s without a byte order mark', (encoding) => {
    const bytes = Buffer.from(withLine('auth.value = abc'), 'utf16le');
    if (encoding === 'utf-16be') bytes.swap16();
    const { problems } = parseConnection(bytes, 'qlik.conf', {
      folder: '/nowhere',
      env: {},
      readFile: () => ({ type: 'missing', reason: 'it does not exist' }),
    });
    expect(problems.map(({ message }) => message)).toEqual(['The file is UTF-16, not UTF-8.']);
  });
});

test('the address in typographic quotes is shown in plain ones', () => {
  const { problems } = parse(withLine('').replace('"https://qlik.example.com/vp"', '“https://qlik.example.com/vp”'));
  expect(problems.map(({ advice }) => advice)).toContain('Write url = "https://qlik.example.com/vp".');
});

test.each([
  ['4242', "repository's"],
  ['4747', "engine's"],
])('a header on port %s, which knows certificates only', (port, whose) => {
  const { problems } = parse(withLine('auth.value = abc').replace('example.com/vp', `example.com:${port}`));
  expect(problems.map(({ severity, message }) => [severity, message])).toEqual([
    ['warning', `Port ${port} is the ${whose} own, where only client certificates can log in.`],
  ]);
});
