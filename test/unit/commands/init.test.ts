import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AnswerSource } from '#agent/commands/init/answers.ts';
import { init } from '#agent/commands/init/init.ts';
import { WAYS } from '#agent/commands/init/questions.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { pair } from '../config/openmetadata.ts';
import { culvert } from './culvert.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'culvert-init-'));
});
afterEach(async () => {
  process.exitCode = 0;
  await rm(cwd, { recursive: true, force: true });
});

const ENV = { QLIK_PASSWORD: 'canary-password' };
const parsed = async (file: string) =>
  parseConnection(await readFile(join(cwd, file)), file, { folder: cwd, env: ENV });

describe('culvert init', () => {
  test('writes a file from options alone, for this user alone', async () => {
    const options = ['--yes', '--auth', 'windows', '--url', 'https://q.example.com/win', '--username', 'CORP\\svc'];
    const { code, stderr, stdout } = await culvert(['init', ...options], { cwd });
    expect([code, stdout]).toEqual([0, '']);
    expect(await readdir(cwd)).toEqual(['q.conf']);
    expect((await stat(join(cwd, 'q.conf'))).mode & 0o777).toBe(0o600);
    const { connection } = await parsed('q.conf');
    expect(connection).toMatchObject({
      code: 'q',
      name: 'Qlik q.example.com',
      prefix: 'win',
      authentication: { type: 'windows', domain: 'CORP', user: 'svc' },
    });
    expect(stderr).toContain('Set QLIK_PASSWORD in the environment of the agent.');
    expect(stderr).toContain('culvert doctor q.conf');
    expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('takes answers line by line, and puts the file where the agent looks', async () => {
    await mkdir(join(cwd, 'connections'));
    const client = pair();
    await mkdir(join(cwd, 'connections', 'certificates'));
    for (const [name, text] of [
      ['client.pem', client.certificate],
      ['client_key.pem', client.key],
      ['root.pem', client.certificate],
    ] as const)
      await writeFile(join(cwd, 'connections', 'certificates', name), text, { mode: 0o600 });
    const input = ['certificate', 'https://q.example.com:4242', 'Prod', 'prod', '', '', 'sa_repository', '', ''].join(
      '\n',
    );
    expect(await culvert(['init'], { cwd, input: `${input}\n` })).toMatchObject({ code: 0 });
    const { stdout, code } = await culvert(['validate', '--strict'], { cwd });
    expect([code, stdout]).toEqual([0, '1 file, 0 errors, 0 warnings\n']);
    const text = await readFile(join(cwd, 'connections', 'prod.conf'), 'utf8');
    expect(text).toContain('user_id = "sa_repository"');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('names the option for an answer that is missing or wrong, and writes nothing', async () => {
    const url = ['--url', 'https://q.example.com/x'];
    for (const [args, message] of [
      [['--yes'], '--url'],
      [['--yes', '--url', 'q.example.com'], 'must begin with https://'],
      [['--yes', ...url, '--auth', 'magic'], 'Write one of jwt'],
      [['--yes', ...url, '--code', '../x'], 'A code has letters'],
      [['--yes', ...url, '--auth', 'windows', '--username', 'a', '--password-from', 'canary'], 'not where a secret is'],
      [['--yes', ...url, '--name', ' '], '--name: this needs an answer'],
      [['--yes', ...url, '--proxy', 'proxy:x'], 'Write http://proxy.example.com:3128'],
      [[], '--auth'],
    ] as const) {
      const { code, stderr } = await culvert(['init', ...args], { cwd });
      expect(code).toBe(4);
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
      expect(stderr).not.toContain('canary');
    }
    expect(await readdir(cwd)).toEqual([]);
  });

  test('overwrites nothing', async () => {
    await writeFile(join(cwd, 'q.conf'), 'mine');
    for (const more of [[], ['--out', 'q.conf']]) {
      const { code, stderr } = await culvert(['init', '--yes', '--url', 'https://q.example.com/x', ...more], { cwd });
      expect([code, stderr.includes('is there already')]).toEqual([4, true]);
    }
    expect(await readFile(join(cwd, 'q.conf'), 'utf8')).toBe('mine');
  });

  test.each(['yaml', 'json'])('writes %s with a hint for editors', async (extension) => {
    const out = `a.${extension}`;
    const { code, stderr } = await culvert(
      [
        'init',
        '--yes',
        '--auth',
        'header',
        '--url',
        'https://q.example.com/x',
        '--header-value',
        'CORP\\a',
        '--out',
        out,
      ],
      { cwd },
    );
    expect(code).toBe(0);
    expect(stderr).toContain('schema connection > connection.schema.json');
    expect((await readFile(join(cwd, out), 'utf8')).split('\n').slice(0, 2).join()).toContain('connection.schema.json');
    const { connection, problems } = await parsed(out);
    expect(problems).toEqual([]);
    expect(connection?.authentication).toMatchObject({ type: 'header', header: 'X-Qlik-User' });
  });

  const person = (answers: string[]): { readonly prompts: string[]; readonly open: () => AnswerSource } => {
    const prompts: string[] = [];
    const ask = async (prompt: string): Promise<string | undefined> => {
      prompts.push(prompt);
      return answers.shift();
    };
    return { prompts, open: () => ({ person: true, ask, close: () => undefined }) };
  };
  const quietly = async (run: () => Promise<void>): Promise<string> => {
    let told = '';
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      told += String(text);
      return true;
    });
    try {
      await run();
    } finally {
      spy.mockRestore();
    }
    return told;
  };

  test('asks a person again after a mistake, with the message of the parser', async () => {
    const { prompts, open } = person([
      'token',
      '',
      'q.example.com',
      'https://q.example.com/x',
      '',
      'no code',
      'c',
      '',
      '',
      '',
    ]);
    const told = await quietly(() => init({ out: join(cwd, 'c.conf') }, open));
    expect(told).toContain('This needs an answer.');
    expect(told).toContain('connection.url must begin with https://.');
    expect(told).toContain('A code has letters');
    expect(told).toContain('Not there yet:');
    expect(prompts).toContain('[c.jwt] > ');
    expect((await parsed('c.conf')).problems).toMatchObject([{ code: 'config.unreadable' }]);
  });

  test('ends when a person leaves, and writes nothing', async () => {
    const { open } = person(['header']);
    await expect(quietly(() => init({ out: join(cwd, 'c.conf') }, open))).rejects.toThrow('There is no answer');
    expect(await readdir(cwd)).toEqual([]);
  });

  test.each(WAYS)('asks what %s needs, and no more', async (way) => {
    const answers = Array.from({ length: 30 }, () => '');
    answers[0] = way;
    answers[1] = 'https://q.example.com:8443/x';
    if (way === 'windows') answers[4] = 'CORP\\svc';
    if (way === 'header') answers[5] = 'CORP\\svc';
    const told = await quietly(() => init({ out: join(cwd, 'c.conf') }, person(answers).open));
    const { problems } = await parsed('c.conf');
    const errors = problems.filter(({ severity, code }) => severity === 'error' && code !== 'config.unreadable');
    expect(errors).toEqual([]);
    expect(told.match(/\n\n[^\n]*(?:[Pp]roxy on the way)/g)?.length).toBe(1);
  });
});
