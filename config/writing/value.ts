/** A part of a value: text, or a substitution such as `${QLIK_PASSWORD}` that is carried over as it is written. */
export type Piece = string | { readonly reference: string };

export interface WrittenValue {
  readonly pieces: readonly Piece[];
  /** True for numbers, flags and durations, which stand without quotes. */
  readonly bare: boolean;
}

/** A text, which stands in quotes. */
export const textValue = (text: string): WrittenValue => ({ pieces: [text], bare: false });
/** A number, flag or duration; in quotes where it would be read as something else without. */
export const bareValue = (text: string): WrittenValue => ({ pieces: [text], bare: /^[A-Za-z0-9.]+$/.test(text) });

/** True for a value that other formats than HOCON cannot say. */
export const needsHocon = ({ pieces }: WrittenValue): boolean =>
  pieces.some((piece) => typeof piece !== 'string' && !piece.reference.startsWith('${secret_manager.'));

/** The value as one text, substitutions as they are written. */
export const plainText = ({ pieces }: WrittenValue): string =>
  pieces.map((piece) => (typeof piece === 'string' ? piece : piece.reference)).join('');

/** A text in the quotes of HOCON: in triple ones, where a backslash is a backslash, when that is easier to read. */
const quoted = (text: string): string => {
  const printable = !/[^\P{C}\n]/u.test(text);
  const triple = /\\|\n/.test(text) && printable && !text.includes('"') && !/\\\\/.test(text);
  return triple ? `"""${text}"""` : JSON.stringify(text);
};

/** The value in HOCON. */
export const hoconValue = ({ pieces, bare }: WrittenValue): string =>
  bare
    ? pieces.join('')
    : pieces.map((piece) => (typeof piece === 'string' ? quoted(piece) : piece.reference)).join('');
