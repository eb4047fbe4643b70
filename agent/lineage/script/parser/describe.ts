import type { DeriveStatement, DescribeStatement, FieldItem } from '../syntax.ts';
import { withoutQuotes } from '../unquote.ts';
import { takeWhat } from './changes.ts';
import type { Reader } from './reader.ts';

/** `COMMENT FIELD f WITH 'text'`, `TAG FIELDS a, b WITH '$key'`, `COMMENT TABLES USING map`, `UNTAG FIELD f WITH t`. */
export const takeDescribe = (reader: Reader): DescribeStatement => {
  const start = reader.position;
  const type = reader.expectWord('comment', 'tag', 'untag') as DescribeStatement['type'];
  // TAG FIELD is the rule; the word is sometimes left out.
  const what = /^(?:table|field)s?$/.test(reader.word()) ? takeWhat(reader) : 'field';
  const names = reader.word() === 'using' ? [] : reader.names('a name');
  if (reader.takeWord('using') !== undefined) {
    const using = reader.name('the map');
    reader.expectDone();
    return { type, what, names, text: '', using, span: reader.spanFrom(start) };
  }
  reader.expectWord('with');
  // Free text, in quotes or not, and not always closed.
  const text = withoutQuotes(reader.text.slice(reader.position, reader.end));
  reader.at = reader.tokens.length;
  return { type, what, names, text, using: undefined, span: { start, end: reader.end } };
};

/** `DECLARE FIELD DEFINITION TAGGED … FIELDS expression AS name TAGGED (…), …`; `label` is what stands in front. */
export const takeDeclare = (reader: Reader, label: string | undefined): DeriveStatement => {
  const start = reader.position;
  reader.expectWord('declare');
  reader.expectWord('field', 'fields');
  reader.takeWord('definition');
  const fields: FieldItem[] = [];
  // TAGGED, PARAMETERS and USING stand in front of what counts.
  while (!reader.done && reader.word() !== 'fields') reader.at += 1;
  if (reader.takeWord('fields') !== undefined) {
    while (!reader.done && reader.word() !== 'groups') {
      if (reader.skip(',')) continue;
      const from = reader.position;
      const expression = reader.needed('a field');
      reader.expectWord('as');
      const name = reader.name('the name behind AS');
      fields.push({ type: 'field', expression, name, aliased: true, span: reader.spanFrom(from) });
      if (reader.takeWord('tagged') === undefined) continue;
      if (reader.is('(')) reader.arguments();
      else
        do reader.name('a tag');
        while (reader.tokens[reader.at + 1]?.kind === 'text' && reader.skip(','));
    }
  }
  reader.at = reader.tokens.length;
  return {
    type: 'declare',
    name: label ?? reader.fail('DECLARE needs a label in front'),
    fields,
    from: [],
    by: undefined,
    span: reader.spanFrom(start),
  };
};

/** `DERIVE FIELDS FROM FIELDS a, b USING definition`, or from tags. */
export const takeDerive = (reader: Reader): DeriveStatement => {
  const start = reader.position;
  reader.expectWord('derive');
  reader.expectWord('field', 'fields');
  reader.expectWord('from');
  const how = reader.expectWord('field', 'fields', 'explicit', 'implicit');
  if (how === 'explicit' || how === 'implicit') reader.expectWord('tag', 'tags');
  const from = reader.word() === 'using' ? [] : tags(reader);
  reader.expectWord('using');
  const name = reader.name('the definition');
  reader.expectDone();
  const by = how === 'explicit' ? 'explicit tags' : how === 'implicit' ? 'implicit tag' : 'fields';
  return { type: 'derive', name, fields: [], from, by, span: reader.spanFrom(start) };
};

const tags = (reader: Reader): string[] => (reader.is('(') ? reader.arguments() : reader.names('a field'));
