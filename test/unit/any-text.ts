import fc from 'fast-check';

const unit = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));

/**
 * Texts of any code points, halves of surrogate pairs among them. The library's own units of that kind take seconds to be
 * made, and leave the halves out.
 */
export const anyText = (maxLength = 10): fc.Arbitrary<string> => fc.string({ unit, maxLength });
