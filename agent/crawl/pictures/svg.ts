import { escaped, readsFromRight } from './legible.ts';

/** A number as it stands in the picture: a tenth is finer than anybody sees. */
export const at = (value: number): string => String(Math.round(value * 10) / 10);

export const rect = (
  kind: string,
  x: number,
  y: number,
  width: number,
  height: number,
  more: { readonly round?: number } = {},
): string =>
  `<rect class="${kind}" x="${at(x)}" y="${at(y)}" width="${at(Math.max(0, width))}" height="${at(Math.max(0, height))}"${more.round === undefined ? '' : ` rx="${at(more.round)}"`}/>`;

export const line = (kind: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<path class="${kind}" d="M${at(x1)} ${at(y1)}L${at(x2)} ${at(y2)}"/>`;

export const circle = (kind: string, x: number, y: number, radius: number): string =>
  `<circle class="${kind}" cx="${at(x)}" cy="${at(y)}" r="${at(Math.max(0, radius))}"/>`;

export const path = (kind: string, points: readonly (readonly [number, number])[], closed = false): string =>
  points.length === 0
    ? ''
    : `<path class="${kind}" d="M${points.map(([x, y]) => `${at(x)} ${at(y)}`).join('L')}${closed ? 'Z' : ''}"/>`;

export type Anchor = 'start' | 'middle' | 'end';

/**
 * A line of text in the box from `x` on. What is read from the right begins at the right end of the box.
 *
 * @param kind classes, the size of the type among them
 */
export const words = (
  kind: string,
  x: number,
  y: number,
  width: number,
  text: string,
  anchor: Anchor = 'start',
): string => {
  if (text === '') return '';
  const right = readsFromRight(text);
  const from = anchor === 'middle' ? x + width / 2 : (anchor === 'start') === right ? x + width : x;
  const side = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text class="${kind}" x="${at(from)}" y="${at(y)}"${side}${right ? ' direction="rtl"' : ''}>${escaped(text)}</text>`;
};
