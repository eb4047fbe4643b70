import { describe, expect, test } from 'vitest';
import { gatewayAddress } from '#agent/bridge/gateway-address.ts';

describe('the address of the catalog', () => {
  test.each([
    ['https://catalog.example', 'wss://catalog.example/v1/agent', 'https://catalog.example', 'catalog.example'],
    [
      'wss://Catalog.Example:8443/',
      'wss://catalog.example:8443/v1/agent',
      'https://catalog.example:8443',
      'catalog.example:8443',
    ],
    [
      'https://host.example:443/culvert/',
      'wss://host.example/culvert/v1/agent',
      'https://host.example',
      'host.example',
    ],
    ['http://127.0.0.1:8080', 'ws://127.0.0.1:8080/v1/agent', 'http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['ws://[::1]:8080', 'ws://[::1]:8080/v1/agent', 'http://[::1]:8080', '[::1]:8080'],
  ])('%s', (text, link, origin, host) => {
    expect(gatewayAddress(text)).toMatchObject({ link, origin, host });
  });

  test.each([
    'catalog.example',
    'ftp://catalog.example',
    'http://catalog.example',
    'ws://10.0.0.1',
    'http://localhost.example',
    'https://user:canary@catalog.example',
    'https://catalog.example/?token=canary',
  ])('%s is refused', (text) => {
    expect(() => gatewayAddress(text)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  });
});
