import { describe, expect, test } from 'vitest';
import { readChallenge } from '#agent/secrets/azure/challenge.ts';

const asks = (resource: string, vault: string): string | undefined =>
  readChallenge(`Bearer authorization="https://login.example/t", resource="${resource}"`, vault)?.resource;

describe('the token that a vault may ask for', () => {
  test.each([
    ['https://vault.azure.net', 'https://kv.vault.azure.net'],
    ['https://vault.azure.cn', 'https://kv.vault.azure.cn'],
    ['https://vault.usgovcloudapi.net', 'https://kv.vault.usgovcloudapi.net'],
    ['https://vault.microsoftazure.de', 'https://kv.vault.microsoftazure.de'],
    ['https://managedhsm.azure.net', 'https://kv.managedhsm.azure.net'],
    ['https://kv.corp.example', 'https://kv.corp.example'],
    ['https://kv.corp.example:8443', 'https://kv.corp.example:8443'],
  ])('is for a domain of Azure that it lies in, or for itself: %s', (resource, vault) => {
    expect(asks(resource, vault)).toBe(resource);
  });

  test.each([
    ['https://net', 'https://kv.vault.azure.net'],
    ['https://azure.net', 'https://kv.vault.azure.net'],
    ['https://vault.azure.cn', 'https://kv.vault.azure.net'],
    ['https://vault.azure.net:444', 'https://kv.vault.azure.net'],
    ['https://vault.azure.net', 'https://kvvault.azure.net'],
    ['https://corp.example', 'https://kv.corp.example'],
    ['https://vault.azure.net', 'https://kv.corp.example'],
    ['http://vault.azure.net', 'https://kv.vault.azure.net'],
  ])('is for nobody else: %s asked by %s', (resource, vault) => {
    expect(asks(resource, vault)).toBeUndefined();
  });

  test.each([
    ['a name without end', 'a_'],
    ['spaces', ' '],
    ['quotes', 'a="'],
  ])('is looked for soon, also in %s', (_what, unit) => {
    expect(readChallenge(`Bearer ${unit.repeat(200_000 / unit.length)}`, 'https://kv.vault.azure.net')).toBeUndefined();
  });
});
