import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './spawned.ts';

export const PASSWORD = 'canary-password';
export const WIDE_PASSWORD = 'canary-pässwört-日本';

/** Two authorities, an RSA and an EC one, and what they issued, made by openssl in a folder. */
export class Workshop {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#authority('rsa', ['rsa:2048']);
    this.#authority('ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']);
    appendFileSync(this.path('both.pem'), this.text('rsa.pem') + this.text('ec.pem'));
    for (const authority of ['rsa', 'ec']) {
      this.#issue(authority, `${authority}-server`, ['rsa:2048'], 'subjectAltName=DNS:localhost');
    }
    this.#issue('ec', 'client-ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'extendedKeyUsage=clientAuth');
    this.#issue('rsa', 'client-rsa', ['rsa:2048'], 'extendedKeyUsage=clientAuth');
    this.openssl(['x509', '-in', 'ec.pem', '-outform', 'DER', '-out', 'ec.cer']);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  openssl(args: readonly string[]): void {
    run('openssl', args, this.folder);
  }

  keytool(args: readonly string[]): void {
    // A Latin-1 locale would lose what is not ASCII in a password on the command line.
    run('keytool', args, this.folder, { LC_ALL: 'C.UTF-8' });
  }

  /** A PKCS12 store of both authorities by openssl. */
  trustByOpenssl(file: string, password: string, more: readonly string[] = [], from = 'both.pem'): void {
    this.openssl(['pkcs12', '-export', '-nokeys', '-in', from, '-out', file, '-passout', `pass:${password}`, ...more]);
  }

  /** A store of both authorities by keytool. */
  trustByKeytool(file: string, type: string, password: string, more: readonly string[] = []): void {
    for (const name of ['rsa', 'ec'])
      this.keytool([
        ...more,
        '-importcert',
        '-noprompt',
        ...['-alias', name, '-file', `${name}.pem`],
        ...['-keystore', file, '-storetype', type, '-storepass', password],
      ]);
  }

  /** A PFX file with the key of a client. */
  client(name: string, file: string, password: string, more: readonly string[] = []): void {
    this.openssl([
      ...['pkcs12', '-export', '-inkey', `${name}.key`, '-in', `${name}.pem`, '-certfile', 'both.pem'],
      ...['-name', 'client', '-out', file, '-passout', `pass:${password}`, ...more],
    ]);
  }

  /** The same by keytool. */
  clientByKeytool(from: string, file: string, more: readonly string[] = []): void {
    this.keytool([
      ...more,
      '-importkeystore',
      '-noprompt',
      ...['-srckeystore', from, '-srcstoretype', 'PKCS12', '-srcstorepass', PASSWORD],
      ...['-destkeystore', file, '-deststoretype', 'PKCS12', '-deststorepass', PASSWORD],
    ]);
  }

  #authority(name: string, key: readonly string[]): void {
    this.openssl([
      ...['req', '-x509', '-newkey', ...key, '-nodes', '-days', '2'],
      ...['-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=canary authority ${name}`],
    ]);
  }

  #issue(authority: string, name: string, key: readonly string[], extension: string): void {
    this.openssl([
      ...['req', '-newkey', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`],
      ...['-subj', `/CN=canary ${name}`, '-addext', extension],
    ]);
    this.openssl([
      ...['x509', '-req', '-in', `${name}.csr`, '-copy_extensions', 'copy', '-days', '2'],
      ...['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-out', `${name}.pem`],
    ]);
  }
}
