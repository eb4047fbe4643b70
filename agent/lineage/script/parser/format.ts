import { parenthesisEnd } from '../gaps.ts';
import type { Format } from '../syntax.ts';
import type { Reader } from './reader.ts';

const KINDS: ReadonlySet<string> = new Set(
  'qvd qvx txt fix dif biff ooxml html xml xmlsimple xmlsax xmlgeneric kml json parquet url avro'.split(' '),
);
/** `a`, `'a'`, `[a]`, `"a"`, `` `a` ``. */
const VALUE = String.raw`(?:\[([^\]]*)\]|'((?:[^']|'')*)'|"([^"]*)"|\x60([^\x60]*)\x60|((?:\$\([^()]*\)|[^,\s()])+))`;
const TABLE = new RegExp(String.raw`\btable\s+is\s+${VALUE}`, 'i');
const DELIMITER = new RegExp(String.raw`\bdelimiter\s+is\s+(?:(,)(?=\s*[,)])|${VALUE})`, 'i');
const HEADER = /\bheader\s+is\s+(\d+)/i;
const LABELS = /\b(embedded|explicit|no)\s+labels\b/i;
const QUOTED = /\[[^\]]*\]|'(?:[^']|'')*'|"[^"]*"|`[^`]*`/g;

export const NO_FORMAT: Format = {
  kind: '',
  table: undefined,
  labels: undefined,
  delimiter: undefined,
  headerLines: 0,
  text: '',
};

/** `(txt, codepage is 1252, embedded labels, delimiter is ';', msq)` when it stands here; else {@link NO_FORMAT}. */
export const takeFormat = (reader: Reader): Format => {
  if (!reader.is('(')) return NO_FORMAT;
  const start = reader.position;
  let depth = 0;
  do {
    if (reader.is('(')) depth += 1;
    else if (reader.is(')')) depth -= 1;
    reader.at += 1;
  } while (depth > 0 && !reader.done);
  // A lone apostrophe (`delimiter is '`) hides its parenthesis from the lexer.
  const end = depth === 0 ? reader.behind : parenthesisEnd(reader.text, start, reader.end);
  if (end === undefined) reader.fail('")" is missing');
  return formatOf(reader.text.slice(start + 1, end - 1).trim());
};

/** Scripts have a few, again and again. */
const FORMATS = new Map<string, Format>();
const MOST_FORMATS = 200;
const LONGEST_KNOWN = 200;

const formatOf = (text: string): Format => {
  const known = FORMATS.get(text);
  if (known !== undefined) return known;
  const format = readFormat(text);
  if (text.length <= LONGEST_KNOWN && FORMATS.size < MOST_FORMATS) FORMATS.set(text, format);
  return format;
};

const readFormat = (text: string): Format => {
  const words = text.replace(QUOTED, "''").toLowerCase().split(',');
  const labels = LABELS.exec(text)?.[1]?.toLowerCase();
  return {
    // A code page may stand in front: `(ansi, txt, …)`.
    kind: words.map((word) => word.trim()).find((word) => KINDS.has(word)) ?? '',
    table: firstGroup(TABLE.exec(text)),
    labels: labels === 'no' ? 'none' : (labels as 'embedded' | 'explicit' | undefined),
    delimiter: firstGroup(DELIMITER.exec(text)),
    headerLines: Number(HEADER.exec(text)?.[1] ?? 0),
    text,
  };
};

const firstGroup = (found: RegExpExecArray | null): string | undefined =>
  found
    ?.slice(1)
    .find((group) => group !== undefined)
    ?.replaceAll("''", "'");
