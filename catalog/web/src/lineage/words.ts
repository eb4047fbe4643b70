import { number } from '../format.ts';
import { kindName, kindPlural } from '../kinds.ts';
import type { Box, Row } from './model.ts';

/** Controls by which a name would turn the text around it, and others that nobody sees. */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** Letters that are written from right to left. */
const TURNS = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const LEFT_TO_RIGHT = '\u200e';

/** A stranger's text as it may stand beside other text in a picture. */
export const plain = (text: string): string => {
  const seen = text.replace(UNSEEN, ' ').trim();
  return seen === '' ? '(no name)' : seen;
};

/** So that an arrow between two names leads from the first to the second, whatever they are written in. */
export const directed = (text: string): string => (TURNS.test(text) ? `${text}${LEFT_TO_RIGHT}` : text);

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is;

/** A path without its percent signs, where they can be taken out. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** What a dataset is, as far as its key tells, and where it lies. */
const datasetOf = (key: string): { readonly word: string; readonly place: string } => {
  const [, scheme, rest = ''] = SCHEME.exec(key) ?? [];
  if (scheme === undefined) return { word: 'Dataset', place: '' };
  const path = rest.includes('/') ? rest.slice(0, rest.lastIndexOf('/')) : rest;
  switch (scheme.toLowerCase()) {
    case 'file':
      return { word: /\.qvd$/i.test(rest) ? 'QVD' : 'File', place: decoded(path) };
    case 'http':
    case 'https':
      return { word: 'Web source', place: decoded(path) };
    default:
      return { word: 'Table', place: decoded(path) };
  }
};

const isDataset = ({ kind }: Pick<Box, 'kind'>): boolean => kind === null || kind === 'dataset';
/** Of where it lies the end tells most. */
export const isPath = isDataset;

/** What a box is: its kind, of a dataset what its key tells. */
export const kindWord = ({ key, kind, folded }: Box): string =>
  isDataset({ kind }) ? (folded.length > 0 ? 'Dataset' : datasetOf(key).word) : kindName(kind ?? 'dataset');

/** Where a box lies: the app of a chart or sheet, the folder or server of a dataset. */
export const placeWord = (box: Box): string =>
  box.folded.length === 0 && isDataset(box) ? datasetOf(box.key).place : box.within === '' ? '' : plain(box.within);

/** A box in words. */
export const boxName = ({ folded, kind, name }: Box): string =>
  folded.length > 0
    ? `${number(folded.length)} more ${kind === null ? 'datasets' : kindPlural(kind).toLowerCase()}`
    : plain(name);

/** What a row is, in the few letters that there is room for: a field and a master item of one name look alike. */
const ROW_WORDS: Partial<Record<NonNullable<Row['kind']>, string>> = {
  field: 'field',
  table: 'table',
  variable: 'variable',
  masterDimension: 'master dim.',
  masterMeasure: 'master measure',
  masterVisualization: 'master visual.',
  chartDimension: 'dimension',
  chartMeasure: 'measure',
};
/** Empty where there is nothing to tell apart. */
export const rowWord = ({ kind }: Row): string => (kind === null ? '' : (ROW_WORDS[kind] ?? ''));
