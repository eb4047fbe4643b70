import { expect, test } from 'vitest';
import { secretsOfEnvironment } from '#agent/operations/bundle/system.ts';

test('where a shell stands is no password, though its variable is called PWD', () => {
  const env = { PWD: '/srv/culvert', OLDPWD: '/srv', QLIK_PWD: 'canary-1', DB_PASSWORD: 'canary-2', LANG: 'C' };
  expect(secretsOfEnvironment(env)).toEqual(['canary-1', 'canary-2']);
});
