import { describe, expect, test } from 'vitest';
import { readProfile } from '#agent/secrets/aws/profile-file.ts';
import { clearSecrets } from '#config/lint/clear-secrets.ts';
import { readHostPort } from '#config/openmetadata/host-port.ts';
import { looksLikeOpenMetadata } from '#config/openmetadata/recognise.ts';
import { Machine } from '../secrets/machine.ts';

const LENGTH = 300_000;

describe('a text that goes on and on is read soon', () => {
  test('empty lines, in what may be a file of OpenMetadata', () => {
    expect(looksLikeOpenMetadata('\n'.repeat(LENGTH))).toBe(false);
    expect(looksLikeOpenMetadata(`${'\n'.repeat(LENGTH)}source:\n  serviceName: x`)).toBe(true);
  });

  test('slashes, in an address', () => {
    const path = `${'/'.repeat(LENGTH)}x`;
    expect(readHostPort(`wss://qlik.example${path}`)).toMatchObject({ way: 'virtual proxy' });
  });

  test('beginnings of references, in a secret', () => {
    expect(clearSecrets(`connection { auth { value = "${'${'.repeat(LENGTH / 2)}" } }`, 'q.conf')).toEqual([
      'connection.auth.value',
    ]);
  });

  test('spaces, in a profile of AWS', () => {
    const machine = new Machine();
    machine.files.set(
      '/home/canary/.aws/credentials',
      `[default]\nodd${' '.repeat(LENGTH)}x\nregion  =  eu-west-1 # here\n`,
    );
    expect(readProfile(machine)?.values).toEqual(new Map([['region', 'eu-west-1']]));
  });
});
