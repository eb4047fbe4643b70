import { expect, test } from 'vitest';
import { nameOnly, withoutFolders } from '#agent/commands/path-names.ts';

const named = nameOnly(['/srv/culvert/agent.conf', '/srv/culvert/state', '/srv/culvert', 'relative.conf', '/']);

test.each([
  ['/srv/culvert/agent.conf:12: error', 'agent.conf:12: error'],
  ['state folder /srv/culvert/state', 'state folder state'],
  ['cannot read `/srv/culvert/state/identity.json` (EACCES)', 'cannot read `state/identity.json` (EACCES)'],
  ['the keys of "/srv/culvert/keys.pem" and (/srv/culvert/state).', 'the keys of "culvert/keys.pem" and (state).'],
])('%s', (text, short) => {
  expect(named(text)).toBe(short);
});

test.each([
  'wss://catalog.example.com/srv/culvert/state',
  '/mnt/srv/culvert/agent.conf',
  '/srv/culvert-old/x',
  'relative.conf and / are no absolute paths of files',
])('what only looks like one of the paths is left alone: %s', (text) => {
  expect(named(text)).toBe(text);
});

test('without a path nothing is replaced', () => {
  expect(nameOnly(['agent.conf', '/'])('agent.conf in /')).toBe('agent.conf in /');
});

test.each([
  ['12 | tls.truststore.path = "file:/etc/culvert/pki/root.pem"', '12 | tls.truststore.path = "file:root.pem"'],
  ["ENOENT: no such file, open '/opt/culvert/connections/prod.conf'", "ENOENT: no such file, open 'prod.conf'"],
  ['read besides the file: /home/ann/token.txt, jwt.key', 'read besides the file: token.txt, jwt.key'],
  ['C:\\Program Files\\Culvert\\agent.conf: error', 'agent.conf: error'],
  ['https://qlik.example.com/etc/x/hub: HTTP 404', 'https://qlik.example.com/etc/x/hub: HTTP 404'],
  ['GET /qrs/about and /jwt/qps/csrftoken', 'GET /qrs/about and /jwt/qps/csrftoken'],
])('%j tells no folder of the machine', (text, told) => {
  expect(withoutFolders(text)).toBe(told);
});
