import { describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { loadSettings } from '#config/settings.ts';
import { head, header } from './sample.ts';

const folder = '/nowhere';
const warned = (line: string) => parseConnection(`${head}${header}${line}\n`, 'a.conf', { folder, env: {} });

describe('options of other products', () => {
  test.each([
    [
      '"Certificate Path" = x',
      'Certificate Path is an option of another product; here it is called connection.auth.certificate.path.',
    ],
    [
      'certificates_password = canary',
      'Certificates Password is an option of another product; here it is called connection.auth.certificate.password.',
    ],
    [
      'connection.alias_host_name = q',
      'Alias Host Name is an option of another product; here it is called connection.alias_host.',
    ],
    ['port = 443', 'Port is an option of another product; here it is a part of connection.url.'],
    [
      'is_virtual_proxy_enabled = Y',
      'Is Virtual Proxy Enabled is an option of another product; here it is a part of connection.url.',
    ],
    ['staging_dir = /tmp', 'stagingDir has no effect: nothing is copied to a staging folder.'],
    ['xml_path = /tmp', 'XML Path has no effect: everything is read from the site itself, nothing from XML files.'],
    ['"Crawl Streams" = Y', 'Crawl Streams is an option of another product; here it is called crawl.streams.'],
    [
      '"Exclude Streams" = x',
      'Exclude Streams is an option of another product; here it is called crawl.exclude.streams.',
    ],
    ['qvds_path = /tmp', 'QVDs Path is an option of another product; here it is called paths.qvds.'],
  ])('%s is accepted with one sentence', (line, message) => {
    const { connection, problems } = warned(line);
    expect(connection).toBeDefined();
    expect(problems).toMatchObject([{ severity: 'warning', code: 'config.unknown_key', message, line: 6 }]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  test('a misspelt key of our own is still met with the right one', () => {
    expect(warned('connection.alias_hots = q').problems[0]?.message).toContain('Did you mean connection.alias_host?');
  });

  test('agent.conf has no such options', () => {
    const text = Buffer.from('gateway.url = "wss://c.example.com"\nport = 1\n');
    const { problems } = loadSettings('/nowhere/agent.conf', {}, (path) => ({
      type: 'file',
      bytes: text,
      realPath: path,
    }));
    expect(problems[0]?.message).toContain('port is not a known key');
  });
});
