import { cut } from '../format.ts';

/** As the style sheet has them: how wide a text is depends on them. */
export const FONTS = { name: '600 13.5px', kind: '400 11px', row: '400 12.5px', rowKind: '400 10.5px' } as const;
type Font = (typeof FONTS)[keyof typeof FONTS];

/** Longer texts are not measured: no box shows as much. */
const MOST = 120;
/** Where nothing can be measured: a letter of middle width. */
const LETTER = 7;

let canvas: CanvasRenderingContext2D | null | undefined;
let family = '';

/** How wide a text is drawn, in units of the picture. */
export const widthOf = (text: string, font: Font): number => {
  if (canvas === undefined) {
    canvas = document.createElement('canvas').getContext('2d');
    family = getComputedStyle(document.documentElement).getPropertyValue('--sans') || 'sans-serif';
  }
  if (!canvas) return text.length * LETTER;
  canvas.font = `${font} ${family}`;
  return canvas.measureText(text).width;
};

/** The end of a text, never from within a character on. */
const endOf = (text: string, length: number): string => {
  const from = text.length - length;
  const code = text.charCodeAt(from);
  return `…${text.slice(code >= 0xdc00 && code < 0xe000 ? from + 1 : from)}`;
};

/** As much of a text as there is room for, with an ellipsis for the rest. */
export const fitted = (text: string, font: Font, room: number, keep: 'beginning' | 'end' = 'beginning'): string => {
  const part = (length: number): string =>
    length >= text.length ? text : keep === 'end' ? endOf(text, length) : cut(text, length);
  let [fits, most] = [0, Math.min(MOST, text.length)];
  if (widthOf(part(most), font) <= room) return part(most);
  while (most - fits > 1) {
    const half = (fits + most) >> 1;
    if (widthOf(part(half), font) <= room) fits = half;
    else most = half;
  }
  return part(fits);
};
