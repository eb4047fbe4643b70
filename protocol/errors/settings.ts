import type { ErrorKinds } from './kind.ts';

/** Errors in connection files, in the settings of the agent, and in secrets that stand outside them. */
export const SETTINGS_KINDS = {
  // the connection file and the agent's settings
  'config.syntax': { retryable: false, advice: 'Correct the file at the place named; it is read again at once.' },
  'config.invalid': { retryable: false, advice: 'Correct the value named; the file is read again at once.' },
  'config.missing_key': { retryable: false, advice: 'Add the key named to the file.' },
  'config.unknown_key': {
    retryable: false,
    advice: 'Check the spelling; a key that Culvert does not know has no effect.',
  },
  'config.suspicious_value': { retryable: false, advice: 'Write the value in quotes as shown.' },
  'config.empty_value': { retryable: false, advice: 'Fill the value in, or delete the line.' },
  'config.not_supported_yet': { retryable: false, advice: 'Remove the key, or wait for the release that supports it.' },
  'config.duplicate_code': { retryable: false, advice: 'Give each connection file a `code` of its own.' },
  'config.unreadable': { retryable: true, advice: 'Check that the file exists and that the agent may read it.' },
  'config.too_large': { retryable: false, advice: 'A connection file may have 1 MiB at most.' },
  'config.misnamed': { retryable: false, advice: 'Rename the file, so that it ends in .conf, .json, .yaml or .yml.' },
  'config.unused_file': { retryable: false, advice: 'Name the file in a connection file, or move it elsewhere.' },
  'config.exposed': { retryable: false, advice: 'Let only the user of the agent read the file: chmod 600.' },
  'config.expiring': { retryable: false, advice: 'Renew it in time, and put the new one in its place.' },
  'config.store_password': {
    retryable: false,
    advice: 'Correct the password of the trust store or PFX file; keytool -list and openssl pkcs12 -info try one.',
  },
  'config.store_empty': {
    retryable: false,
    advice: 'Import the certificate of the authority into the trust store; entries with a private key do not count.',
  },
  // secrets that stand outside the file
  'secrets.missing': {
    retryable: false,
    advice: 'Check the name of the secret and of its field; a new one is found by itself.',
  },
  'secrets.unreachable': {
    retryable: true,
    advice: 'Check the address of the secret manager in `agent.conf` and the way to it; it is asked again by itself.',
  },
  'secrets.file_unreadable': {
    retryable: true,
    advice: 'Check that the file named after `file:` exists and that the agent may read it.',
  },
  'secrets.refused': {
    // Asked again and again, who guards the secrets locks the account.
    retryable: false,
    advice: 'Check the credentials and the rights for the secret manager in `agent.conf`.',
  },
  'secrets.invalid': { retryable: false, advice: 'Correct the secret where it is kept; it is read again by itself.' },
  'secrets.not_configured': {
    retryable: false,
    advice: 'Describe the secret manager in the block `secret_manager` of `agent.conf`.',
  },
  'secrets.undecryptable': {
    retryable: false,
    advice: 'Encrypt the value again on this machine: `culvert encrypt`.',
  },
} as const satisfies ErrorKinds<'config' | 'secrets'>;
