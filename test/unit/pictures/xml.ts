/** What XML 1.0 cannot hold at all. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const UNFIT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Throws for what is no well-formed XML; made for what draws pictures, so comments and the like are errors. */
export const checkXml = (text: string): void => {
  if (!text.isWellFormed() || UNFIT.test(text)) throw new Error('characters that XML cannot hold');
  const open: string[] = [];
  let at = 0;
  for (const match of text.matchAll(/<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = text.slice(at, match.index);
    if (/[<>]/.test(between)) throw new Error(`a bare < or > near ${between.slice(0, 80)}`);
    const [tag, end, name = '', attributes = '', empty] = match;
    for (const part of [between, attributes])
      if (/&(?!(?:amp|lt|gt|quot);)/.test(part)) throw new Error(`a bare & near ${part.slice(0, 80)}`);
    const names = [...attributes.matchAll(/\s([A-Za-z:-]+)=/g)].map(([, attribute]) => attribute);
    if (new Set(names).size !== names.length) throw new Error(`an attribute twice in ${tag}`);
    if (end === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> ends nothing`);
    } else if (empty !== '/') open.push(name);
    at = match.index + tag.length;
    if (open.length === 0 && text.slice(at).trim() !== '') throw new Error('something behind the end');
    if (open.length === 0) return;
  }
  throw new Error(`not closed: ${open.join(', ')}`);
};

/** All that can be read in it, besides its style. */
export const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  );
