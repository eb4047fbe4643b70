/** Shorter values are words and numbers that stand everywhere; nobody could read what is left without them. */
export const MIN_SECRET_CHARACTERS = 6;
/** A line of a key in PEM is told from an ordinary word. */
const MIN_LINE_CHARACTERS = 16;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * What of a value is the same in base64 wherever it stands in a longer text: for each of the three places in a group of
 * three bytes the characters that no neighbour has a part in.
 */
const base64Forms = (bytes: Buffer): readonly string[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const end = (before + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    return text.slice([0, 2, 3][before], end);
  });

const lowerHex = (percent: string): string => percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());

const percentForm = (value: string): string => {
  try {
    return encodeURIComponent(value);
  } catch {
    return encodeURIComponent(value.toWellFormed());
  }
};

/**
 * Every form in which a secret value may come back: as it is, escaped for JSON (once and twice), for XML and for an
 * address, in base64 as part of whatever was encoded, and in hexadecimal. Of a key in PEM each line for itself. Values
 * that are too short to be told from ordinary words have none.
 */
export const valueForms = (value: string): readonly string[] => {
  const forms = new Set<string>();
  if (value.includes('-----BEGIN ')) {
    for (const line of value.split(/\r?\n/))
      if (line.length >= MIN_LINE_CHARACTERS && !line.includes('-----')) forms.add(line);
    return [...forms];
  }
  const trimmed = value.trim();
  if (trimmed.length < MIN_SECRET_CHARACTERS) return [];
  const bytes = Buffer.from(trimmed);
  const json = JSON.stringify(trimmed).slice(1, -1);
  const percent = percentForm(trimmed);
  const base64 = base64Forms(bytes);
  const candidates = [
    trimmed,
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll('/', '\\/'),
    trimmed.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character),
    percent,
    lowerHex(percent),
    percent.replaceAll('%20', '+'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    ...base64.map((text) => text.replaceAll('+', '%2B').replaceAll('/', '%2F')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
  for (const form of candidates) if (form.length >= MIN_SECRET_CHARACTERS) forms.add(form);
  return [...forms];
};
