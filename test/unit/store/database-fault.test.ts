import { expect, test } from 'vitest';
import { databaseFault, databasePlace } from '#catalog/store/database-fault.ts';
import { Fault } from '#protocol/errors.ts';

const postgresError = (code: string): Error => Object.assign(new Error('value "canary-secret" …'), { code });

test.each([
  ['53100', 'The disk of the database is full.'],
  ['53300', 'The database does not answer.'],
  ['57P03', 'The database does not answer.'],
  ['08006', 'The database does not answer.'],
  ['ECONNREFUSED', 'The database does not answer.'],
  ['CONNECT_TIMEOUT', 'The database does not answer.'],
])('%s: %s', (code, message) => {
  const fault = databaseFault(postgresError(code));
  expect(fault).toMatchObject({ code: 'catalog.unavailable', retryable: true, message });
  expect(JSON.stringify(fault)).not.toContain('canary');
});

test('an error that says nothing of the state of the database is none', () => {
  expect(databaseFault(postgresError('23505'))).toBeUndefined();
  expect(databaseFault(new Error('x'))).toBeUndefined();
  expect(databaseFault(new Fault('job.cancelled', 'x'))).toBeUndefined();
  expect(databaseFault(null)).toBeUndefined();
});

test('the log names the place that an error of the connection tells of, and nothing of other errors', () => {
  const late = { code: 'CONNECT_TIMEOUT', address: '192.0.2.7', port: 5432 };
  expect(databasePlace(Object.assign(new Error('write CONNECT_TIMEOUT'), late))).toBe('192.0.2.7:5432');
  expect(databasePlace(postgresError('57P03'))).toBeUndefined();
  expect(databasePlace(undefined)).toBeUndefined();
});
