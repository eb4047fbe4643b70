/** What a document consists of, in order. */
export interface XmlVisitor {
  open(name: string, depth: number): void;
  text(text: string): void;
  close(name: string, depth: number): void;
}

/** Not well-formed, or of a kind that is not read. */
export class XmlError extends Error {}

const MOST_DEPTH = 32;
const MOST_ELEMENTS = 500_000;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const NAME = /[A-Za-z_][\w.:-]{0,100}/y;

/**
 * Reads the small part of XML that files of data have: elements, texts, the five entities, numbered characters, CDATA and
 * comments. Attributes are passed over. What could make more of a text than stands there (a document type with
 * entities) is refused, so that time and memory grow with the length only.
 */
export const readXml = (xml: string, visitor: XmlVisitor): void => {
  const path: string[] = [];
  let elements = 0;
  for (let at = xml.startsWith('\ufeff') ? 1 : 0; at < xml.length; ) {
    if (xml[at] !== '<') {
      const next = xml.indexOf('<', at);
      const end = next === -1 ? xml.length : next;
      if (path.length > 0) visitor.text(decoded(xml.slice(at, end)));
      else if (xml.slice(at, end).trim() !== '') throw new XmlError('a text stands outside of the document');
      at = end;
    } else if (xml.startsWith('<?', at)) at = behind(xml, '?>', at);
    else if (xml.startsWith('<!--', at)) at = behind(xml, '-->', at + 4);
    else if (xml.startsWith('<![CDATA[', at)) {
      const end = behind(xml, ']]>', at);
      visitor.text(xml.slice(at + 9, end - 3));
      at = end;
    } else if (xml.startsWith('<!', at)) throw new XmlError('it has a document type');
    else if (xml[at + 1] === '/') {
      const name = nameAt(xml, at + 2);
      if (path.pop() !== name) throw new XmlError(`</${name}> closes nothing`);
      visitor.close(name, path.length);
      at = behind(xml, '>', at);
    } else {
      const name = nameAt(xml, at + 1);
      const end = behind(xml, '>', at);
      elements += 1;
      if (elements > MOST_ELEMENTS || path.length >= MOST_DEPTH) throw new XmlError('it has too many elements');
      visitor.open(name, path.length);
      if (xml[end - 2] === '/') visitor.close(name, path.length);
      else path.push(name);
      at = end;
    }
  }
  if (path.length > 0) throw new XmlError(`<${path.at(-1)}> is not closed`);
};

const nameAt = (xml: string, at: number): string => {
  NAME.lastIndex = at;
  const name = NAME.exec(xml)?.[0];
  if (name === undefined) throw new XmlError('an element has no name');
  return name;
};

const behind = (xml: string, wanted: string, from: number): number => {
  const found = xml.indexOf(wanted, from);
  if (found === -1) throw new XmlError(`${wanted} is missing`);
  return found + wanted.length;
};

const decoded = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,10}));/gi, (whole, decimal, hex, name) => {
        if (name !== undefined) return NAMED[String(name)] ?? whole;
        const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
        return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
      })
    : text;
