import type { Place } from '../tree.ts';

/** Why a text is not HOCON. The connection reader turns a reason and its context into the fix. */
export type HoconReason =
  | 'reserved_character'
  | 'bad_escape'
  | 'bad_unicode_escape'
  | 'control_in_string'
  | 'unclosed_string'
  | 'unclosed_triple'
  | 'unclosed_substitution'
  | 'expected_key'
  | 'expected_separator'
  | 'expected_value'
  | 'expected_comma'
  | 'unbalanced_close'
  | 'unclosed_object'
  | 'unclosed_list'
  | 'trailing'
  | 'root_list'
  | 'bad_path'
  | 'include'
  | 'include_refused'
  | 'include_missing'
  | 'plus_equals_in_list'
  | 'undefined_substitution'
  | 'cycle'
  | 'mixed_concatenation'
  | 'limit';

/**
 * A text that cannot be read as HOCON. `message` never holds text of the file other than keys of substitutions that
 * stand alone, so it may be shown even when the mistake is inside a password.
 */
export class HoconError extends Error {
  override readonly name = 'HoconError';
  readonly reason: HoconReason;
  readonly at: Place;
  /** The full path of the field whose value was being read, when there was one. */
  readonly field: readonly string[] | undefined;
  /** The path of the substitution concerned. */
  readonly substitution: readonly string[] | undefined;

  constructor(
    reason: HoconReason,
    at: Place,
    message: string,
    context: { field?: readonly string[] | undefined; substitution?: readonly string[] | undefined } = {},
  ) {
    super(message);
    this.reason = reason;
    this.at = at;
    this.field = context.field;
    this.substitution = context.substitution;
  }
}
