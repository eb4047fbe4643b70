import { expect, test } from 'vitest';
import { namesSecret, redactText } from '#config/redaction/rules.ts';

const gone = (text: string): void => {
  const clean = redactText(text);
  expect(clean).not.toContain('canary');
  // Texts are redacted before they are cut and again as they leave.
  expect(redactText(clean)).toBe(clean);
};

test.each([
  'OLEDB CONNECT TO [Provider=SQLOLEDB.1;User ID=u;Password=canary-1;Data Source=sql01];',
  'ODBC CONNECT TO [DSN;UID=u;PWD=canary 2 with blanks];',
  'CUSTOM CONNECT TO "provider=x.exe;host=h;pwd=canary-3;"',
  "LIB CONNECT TO 'x'; SET vPassword = 'canary; 4';",
  "LET vToken = 'canary-5';",
  'LET vApiKey=canary-6;',
  'FROM [https://user:canary-7@host.example/file.csv] (txt);',
  'FROM [https://host.example/file.csv?api_key=canary-8&page=2] (txt);',
  'FROM [https://host.example/file.csv?page=2&access_token=canary-9] (txt);',
  'HTTPHEADER "Authorization" "Bearer canary-10"',
  'HTTPHEADER "Authorization" "Basic canary-11"',
  'CONNECT TO x (XUserId is canary12, XPassword is canary13);',
  'Password={canary;14};Database=x',
  "'secret' : 'canary-15'",
  '-----BEGIN RSA PRIVATE KEY-----\ncanary-16\n-----END RSA PRIVATE KEY-----',
  'https://corp.example/plan.xlsx?tempauth=canary-17',
  'Provider=X;Password=canary-18',
  'queryHeaders=Authorization%20Bearer%20canary-19;',
  'SET vAccessToken=canary-20;',
  'HTTPHEADER "X-Api-Key" "canary-21"',
  'QUERY "key" "canary-22"',
  'HTTPHEADER "Authorization" "ApiKey canary-23"',
  'BODY "{""password"":""canary-24"",""x"":1}"',
  'https://maps.example/x?key=canary-25',
  'https://u:p@canary-26@host.example/x',
  'AccountName=x;AccountKey=canary-27==;EndpointSuffix=y',
  "LET vPassword = 'a' & 'canary-28';",
  'client_secret%3Dcanary-29',
  'Section Access; LOAD * INLINE // users\n[ACCESS, USERID\nADMIN, canary-30];',
  'Section Access; LOAD * INLINE [\nADMIN, canary-31\n] (txt, no labels);',
  `Section Access; LOAD * INLINE ${'// who may\n/* what */ '.repeat(300)}[ACCESS, USERID\nADMIN, canary-33];`,
  'Section Access; LOAD * INLINE "ACCESS, USERID\nADMIN, canary-34',
  'U: LOAD * INLINE [\nACCESS, USERID\nADMIN, canary-32\n]; Section Access; LOAD * RESIDENT U;',
])('a secret goes: %s', gone);

test.each([
  'a'.repeat(1e6),
  'password'.repeat(1e5),
  `?${'code'.repeat(2e5)}`,
  'eyJ-'.repeat(2e5),
  `authorization${' '.repeat(1e6)}`,
  `section access;${'inline/**//**/ '.repeat(5e4)}`,
  `inline${'/**/'.repeat(2e5)}`,
  'inline // '.repeat(1e5),
  '//inline\n'.repeat(2e5),
  `section access;${'//inline\n'.repeat(2e5)}`,
  'inline//'.repeat(2e5),
  'inline/*'.repeat(2e5),
  `${'//inline/*\n'.repeat(2e5)}*/`,
  `${'/*inline*//*'.repeat(2e5)}`,
  `${'/*/inline*/ //inline/**/\n'.repeat(3e5)}[`,
  '://'.repeat(3e5),
  '-----BEGIN PRIVATE KEY-----'.repeat(3e4),
])('a text that somebody made to take long does not (%#)', (text) => {
  expect(redactText(`token ${text}`)).not.toBe('');
});

test('what stands around a secret stays', () => {
  expect(redactText('OLEDB CONNECT TO [Provider=X;Password=hunter2;Data Source=sql01];')).toBe(
    'OLEDB CONNECT TO [Provider=X;Password=[redacted];Data Source=sql01];',
  );
  expect(redactText('https://u:p@host/x?token=abc&y=1')).toBe('https://[redacted]@host/x?token=[redacted]&y=1');
  const variable = 'HTTPHEADER "Authorization" "Bearer $(vHeader)"';
  expect(redactText(variable)).toBe(variable);
});

test.each([
  'Sum({<Year={2025}>} Sales) / Count(DISTINCT Token)',
  'LOAD Country, Sum(Amount) AS Amount FROM [lib://QVD/x.qvd] (qvd) GROUP BY Country;',
  "If(Password > 3, 'a', 'b')",
  'LOAD * INLINE [\nKey, Name\n1, x\n];',
  'HTTPHEADER "Accept" "application/json"',
  'Tokens per agent: see https://host.example/path',
])('what is no secret stays: %s', (text) => {
  expect(redactText(text)).toBe(text);
});

test('section access loses its rows and literals, keeps its shape, and nothing else is touched', () => {
  const script = [
    '///$tab Main',
    "LET vX = 'stays';",
    '///$tab Access',
    'SECTION ACCESS;',
    '// section application; is not the end',
    'LOAD * INLINE [',
    'ACCESS, USERID, REDUCTION',
    'USER, CORP\\canary-a, DE',
    '///$tab More',
    'ADMIN, CORP\\canary-b, *];',
    "LOAD 'USER' AS ACCESS, 'CORP\\canary-c' AS USERID AUTOGENERATE 1;",
    "LOAD * FROM [lib://QVD/access.qvd] (qvd) WHERE USERID <> 'canary-d';",
    'Section  Application;',
    'LOAD * INLINE [',
    'Code, Name',
    'DE, Deutschland',
    '];',
  ].join('\r\n');
  const clean = redactText(script);
  expect(clean).not.toContain('canary');
  expect(clean.split('\n').length).toBe(script.split('\n').length);
  for (const kept of [
    "LET vX = 'stays';",
    'ACCESS, USERID, REDUCTION',
    '///$tab More',
    'lib://QVD/access.qvd',
    'DE, Deutschland',
  ]) {
    expect(clean).toContain(kept);
  }
});

test('a section access without end, on one line, or in another letter case is blanked to the end', () => {
  gone("section access; load * inline [ACCESS, USERID\nUSER, canary];\nload 'canary' as x;");
  gone('SECTION ACCESS;\nLOAD * INLINE "ACCESS, USERID\nUSER, canary"');
  gone('SECTION\tACCESS;\nLOAD * INLINE [\r\nACCESS, USERID\r\nUSER, canary');
});

test('a name that promises a secret is known', () => {
  expect(['vPassword', 'DB_PWD', 'vApiKey', 'v_token'].every(namesSecret)).toBe(true);
  expect(['vCurrentYear', 'vPath'].some(namesSecret)).toBe(false);
});

test('redaction takes time in proportion to the text, whatever the text is', () => {
  for (const piece of [
    'password=',
    'token:',
    '://',
    "'",
    '[',
    'section access;',
    'inline [',
    'Bearer ',
    'a'.repeat(50),
  ]) {
    expect(redactText(piece.repeat(20_000)).length).toBeGreaterThan(0);
  }
}, 20_000);
