import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../../installer/docker');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe.each(['Dockerfile', 'catalog.Dockerfile'])('%s', (name) => {
  const text = read(name);
  const instructions = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const of = (keyword: string): string[] => instructions.filter((line) => line.startsWith(`${keyword} `));

  test('is sound', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([]);
  });

  test('takes its base from outside, and runs as a user that is a number and not root', () => {
    expect(instructions[0]).toBe('ARG BASE_IMAGE=node:24-bookworm-slim');
    expect(instructions[1]).toBe('FROM $'.concat('{BASE_IMAGE}'));
    expect(of('USER')).toEqual(['USER 10001:10001']);
    // What comes after it is not done as root.
    expect(instructions.findLastIndex((line) => /^(COPY|RUN) /.test(line))).toBeLessThan(
      instructions.findIndex((line) => line.startsWith('USER ')),
    );
  });

  test('needs no shell and fetches nothing', () => {
    expect(of('ADD')).toEqual([]);
    for (const keyword of ['RUN', 'ENTRYPOINT', 'CMD'])
      for (const line of of(keyword)) expect(line).toMatch(/^\w+ \["/);
    for (const line of of('HEALTHCHECK')) expect(line).toMatch(/ CMD \["node"/);
    expect(of('HEALTHCHECK')).toHaveLength(1);
    expect(of('STOPSIGNAL')).toEqual(['STOPSIGNAL SIGTERM']);
    expect(text).not.toMatch(/apt-get|curl|wget|npm (install|ci)\b(?! *#)/);
  });

  test('the program belongs to root, and secrets are in no layer', () => {
    for (const line of of('COPY')) expect(line).toMatch(/^COPY --chown=0:0 /);
    expect([...of('ENV'), ...of('ARG')].join(' ')).not.toMatch(/token|password|secret|DATABASE_URL/i);
  });
});

interface Service {
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly user?: string;
  readonly volumes?: readonly string[];
  readonly image: string;
  readonly ports?: unknown;
  readonly privileged?: unknown;
  readonly profiles?: readonly string[];
}

describe('compose.yaml', () => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };

  test('by default there is the agent alone', () => {
    expect(Object.keys(services).filter((name) => services[name]?.profiles === undefined)).toEqual(['agent']);
  });

  test.each(['agent', 'enroll', 'catalog'])('%s can write nothing but its state, and gain nothing', (name) => {
    expect(services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(services[name]?.privileged).toBeUndefined();
    // Nobody from outside has anything to say to it.
    expect(services[name]?.ports).toBeUndefined();
  });

  test('settings and connections are mounted to be read, the state is a volume', () => {
    expect(services['agent']?.user).toBe('10001:10001');
    expect(services['agent']?.volumes).toEqual([
      './agent.conf:/etc/culvert/agent.conf:ro',
      './connections:/connections:ro',
      'state:/var/lib/culvert',
    ]);
  });
});
