import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileSecretManager } from '#config/secrets/file-manager.ts';

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'culvert-secrets-'));
  path = join(root, 'secrets.conf');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const read = async (text: string | Buffer, key: string, mode = 0o600) => {
  await writeFile(path, text);
  await chmod(path, mode);
  return new FileSecretManager(path).read(key);
};
const fieldsOf = async (text: string, key: string): Promise<Record<string, string>> => {
  const lookup = await read(text, key);
  if (lookup.type !== 'secret') throw new Error(JSON.stringify(lookup));
  return Object.fromEntries([...lookup.fields].map(([name, value]) => [name, value.reveal()]));
};

describe('the file of secrets', () => {
  test('holds one object for each secret, as Zeenea has it', async () => {
    const text = `# secrets
"kh12345" {
  user = CORP-canary
  eu-west-1.password = "canary-#1"
  kh12345.eu-west-1.password = canary-2
  port = 0123
  nothing = null
}
team.qlik { password = """can"ary\\3""" }
"prod/qlik" { password : "canary-4" }
`;
    expect(await fieldsOf(text, 'kh12345')).toEqual({
      user: 'CORP-canary',
      'eu-west-1.password': 'canary-#1',
      'kh12345.eu-west-1.password': 'canary-2',
      port: '0123',
    });
    expect(await fieldsOf(text, 'team.qlik')).toEqual({ password: 'can"ary\\3' });
    expect(await fieldsOf(text, 'prod/qlik')).toEqual({ password: 'canary-4' });
    expect(await read(text, 'nope')).toEqual({ type: 'missing', reason: 'it holds kh12345, prod/qlik, team' });
  });

  test('with the stray quotes of the published sample says what is wrong, and shows nothing', async () => {
    const lookup = await read('a { x = 1 }\nb {\n  user = "canary-user""\n  password = "canary-pass""\n}\n', 'b');
    expect(lookup).toMatchObject({
      type: 'failed',
      fault: { code: 'secrets.invalid', retryable: false, advice: expect.stringContaining('Delete it') },
    });
    expect(JSON.stringify(lookup)).toContain(`${path}:3:23: There is one quote too many here.`);
    expect(JSON.stringify(lookup)).not.toContain('canary');
  });

  test.each([
    ['name = canary@x', 1],
    ['q { code = ca\\nary }', 1],
    ['q {\n url = "canary\\q" }', 2],
    ['q {\n password = €{NOPE}canary\n}', 2],
    ['[canary]', 1],
  ])('that cannot be read shows nothing of itself: %s', async (text, line) => {
    const lookup = await read(text.replace('€', '$'), 'q');
    expect(lookup).toMatchObject({ type: 'failed', fault: { code: 'secrets.invalid' } });
    expect(JSON.stringify(lookup)).toContain(`${path}:${line}:`);
    expect(JSON.stringify(lookup)).not.toContain('canary');
  });

  test('in another encoding is named', async () => {
    expect(await read(Buffer.from('q { password = "\xe9" }', 'latin1'), 'q')).toMatchObject({
      fault: { code: 'secrets.invalid', message: `${path}: The file is not UTF-8.` },
    });
  });

  test('that is missing can be asked for again', async () => {
    expect(await new FileSecretManager(path).read('q')).toMatchObject({
      type: 'failed',
      fault: { code: 'secrets.unreachable', retryable: true, message: expect.stringContaining('it does not exist') },
    });
  });

  test.skipIf(process.platform === 'win32')('that everybody may read is read, with a warning', async () => {
    const text = 'q { password = canary }';
    expect(await read(text, 'q', 0o644)).toMatchObject({
      type: 'secret',
      notices: [{ message: expect.stringContaining('Every user'), advice: expect.stringContaining('chmod 600') }],
    });
    expect(await read(text, 'q', 0o640)).toMatchObject({ notices: [] });
  });

  test('warns of what was hardly meant in the secret that was asked for', async () => {
    const text = 'other {\n  password = abc#canary\n}\nq {\n  password = canary#1\n  user = "can\\nary"\n}\n';
    const lookup = await read(text, 'q');
    expect(lookup).toMatchObject({
      type: 'secret',
      notices: [
        { message: expect.stringContaining(`${path}:5:20: # begins a comment`) },
        { message: expect.stringContaining(`${path}:6:`) },
      ],
    });
    expect(JSON.stringify(lookup)).not.toContain('ary');
  });
});
