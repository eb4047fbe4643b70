import type { OpaqueStatement } from '../syntax.ts';

const NAME = String.raw`(?:\[([^\]\r\n]{1,500})\]|'([^'\r\n]{1,500})'|"([^"\r\n]{1,500})"|((?:\$\([^()\r\n]{0,200}\)|[^\s;,()'"[\]]){1,500}))`;
const READS = new RegExp(String.raw`\bfrom\s+${NAME}`, 'gi');
const WRITES = new RegExp(String.raw`\binto\s+${NAME}`, 'gi');
const RESIDENTS = new RegExp(String.raw`\bresident\s+${NAME}`, 'gi');
/** Of a long text only so much is looked at: what it is made of is not known anyway. */
const LOOKED_AT = 50_000;
const MOST = 50;

/** What can be told of a statement that its parser gave up on. */
export const opaqueOf = (
  text: string,
  start: number,
  end: number,
  about: { readonly kind: string; readonly why: string; readonly at: number; readonly label: string | undefined },
): OpaqueStatement => {
  const body = text.slice(start, Math.min(end, start + LOOKED_AT));
  return {
    type: 'opaque',
    ...about,
    reads: names(body, READS),
    writes: names(body, WRITES),
    residents: names(body, RESIDENTS),
    span: { start, end },
  };
};

const names = (text: string, pattern: RegExp): string[] => {
  const found = new Set<string>();
  for (const match of text.matchAll(pattern)) {
    const name = match.slice(1).find((group) => group !== undefined);
    if (name !== undefined && found.size < MOST) found.add(name.trim());
  }
  return [...found];
};
