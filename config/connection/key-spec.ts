/**
 * What a key holds. `duration` is `10m`, `30s`, `500ms` or a number of milliseconds; `size` is `500MB`, `2GiB` or a number of
 * bytes.
 */
export type KeyType = 'string' | 'boolean' | 'integer' | 'port' | 'duration' | 'size' | 'any';

/** One key of a connection file or of `agent.conf`. */
export interface KeySpec {
  readonly path: string;
  readonly type: KeyType;
  /** `used`: works. `tolerated`: known from files of other connectors, has no effect here and says so. */
  readonly status: 'used' | 'tolerated';
  /** Never shown, not even in part. */
  readonly secret?: true;
  /** May hold PEM text, with a private key in it: then it may be encrypted, too. */
  readonly pem?: true;
  /**
   * No secret itself, and yet kept beside one: a user, for instance. Any other key that is not secret and gets its value
   * from a secret is refused, since its value is shown, or says where secrets are sent.
   */
  readonly fromSecret?: true;
  readonly required?: true;
  /** An address or a name of a file: no control character is ever meant. */
  readonly oneLine?: true;
  readonly values?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly standard?: string | number | boolean;
  readonly description: string;
  /** For a tolerated key: what is said of it in place of the usual sentence; nothing when its value is one of `same`. */
  readonly remark?: { readonly message: string; readonly advice: string; readonly same: readonly string[] };
}
