import type { FileHandle } from 'node:fs/promises';
import { readXml, XmlError } from './xml.ts';

export interface QvdField {
  readonly name: string;
  /** How many values of its own. */
  readonly distinctValues: number | undefined;
  /** Qlik's type of number format: `UNKNOWN`, `INTEGER`, `REAL`, `DATE`, … */
  readonly numberType: string;
  readonly comment: string;
  readonly tags: readonly string[];
}

/** A source that the producing app had touched when it wrote the file: of the app as a whole, not of this table. */
export interface QvdSource {
  readonly discriminator: string;
  readonly statement: string;
}

/** What stands at the head of a QVD file, before the data. */
export interface QvdHeader {
  readonly tableName: string;
  readonly fields: readonly QvdField[];
  readonly rows: number | undefined;
  /** Of one row, in the packed form of the file. */
  readonly recordBytes: number | undefined;
  /** The id of the app on Qlik Sense; a path of the document on QlikView and Qlik Sense Desktop. */
  readonly creator: string;
  /** As written: UTC, `2023-11-05 10:11:12`. */
  readonly created: string;
  readonly build: string;
  readonly comment: string;
  readonly tags: readonly string[];
  readonly sources: readonly QvdSource[];
  readonly encrypted: boolean;
}

export type QvdRead =
  | { readonly type: 'header'; readonly header: QvdHeader }
  /** No QVD, or one whose head is damaged; `why` completes "The file …". */
  | { readonly type: 'refused'; readonly why: string };

const CHUNK_BYTES = 64 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_FIELDS = 10_000;
const MOST_SOURCES = 500;
const MOST_TEXT = 4_000;
/** `QvdTableHeader/Fields/QvdFieldHeader/Tags/String` */
const DEEPEST = 5;
const END = Buffer.from('</QvdTableHeader>');
const START = /^\ufeff?\s{0,100}(?:<\?xml[^>]{0,200}\?>\s{0,100})?(?:<!--[\s\S]{0,500}?-->\s{0,100})?<QvdTableHeader\b/;

/** Reads the head of a QVD file and nothing of its data. Rejects only with what reading the file rejects with. */
export const readQvdHeader = async (file: Pick<FileHandle, 'read'>): Promise<QvdRead> => {
  const chunks: Buffer[] = [];
  let length = 0;
  let tail: Buffer = Buffer.alloc(0);
  while (length < MOST_BYTES) {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, length);
    if (bytesRead === 0) {
      return { type: 'refused', why: length === 0 ? 'is empty' : 'ends within its header' };
    }
    const chunk = buffer.subarray(0, bytesRead);
    if (length === 0 && !START.test(chunk.subarray(0, 1_000).toString('utf8'))) {
      return { type: 'refused', why: 'does not begin as a QVD' };
    }
    // The end may lie across two chunks.
    const joined = Buffer.concat([tail, chunk]);
    const at = joined.indexOf(END);
    if (at !== -1) {
      const kept = at + END.length - tail.length;
      return parseQvdHeader(Buffer.concat([...chunks, chunk.subarray(0, Math.max(0, kept))]).toString('utf8'));
    }
    chunks.push(chunk);
    length += bytesRead;
    tail = joined.subarray(Math.max(0, joined.length - END.length + 1));
  }
  return { type: 'refused', why: `has a header of more than ${MOST_BYTES} bytes` };
};

type Draft = { -readonly [K in keyof QvdField]: QvdField[K] };

/** The header from its XML; unknown elements are passed over. */
export const parseQvdHeader = (xml: string): QvdRead => {
  const root = new Map<string, string>();
  const fields: QvdField[] = [];
  const sources: { discriminator: string; statement: string }[] = [];
  const tags: string[] = [];
  const path: string[] = [];
  /** Nothing deeper is asked for; and to join long paths anew for each of many elements takes seconds. */
  const here = (): string => (path.length <= DEEPEST ? path.join('/') : '');
  let text = '';
  let field: Draft | undefined;
  const take = (): string => {
    const taken = text.trim();
    return taken.length <= MOST_TEXT ? taken : taken.slice(0, MOST_TEXT).toWellFormed();
  };
  try {
    readXml(xml, {
      open: (name) => {
        path.push(name);
        text = '';
        const where = here();
        if (where === FIELD && fields.length < MOST_FIELDS)
          field = { name: '', distinctValues: undefined, numberType: '', comment: '', tags: [] };
        if (where === SOURCE && sources.length < MOST_SOURCES) sources.push({ discriminator: '', statement: '' });
      },
      text: (more) => {
        if (text.length <= MOST_TEXT) text += more;
      },
      close: (name) => {
        const where = here();
        path.pop();
        const source = sources.at(-1);
        if (path.length === 1) root.set(name, take());
        else if (where === `${FIELD}/FieldName` && field) field.name = take();
        else if (where === `${FIELD}/NoOfSymbols` && field) field.distinctValues = amountOf(take());
        else if (where === `${FIELD}/NumberFormat/Type` && field) field.numberType = take();
        else if (where === `${FIELD}/Comment` && field) field.comment = take();
        else if (where === `${FIELD}/Tags/String` && field) field.tags = [...field.tags, take()].slice(0, 50);
        else if (where === `${ROOT}/TableTags/String` && tags.length < 50) tags.push(take());
        else if (where === `${SOURCE}/Discriminator` && source) source.discriminator = take();
        else if (where === `${SOURCE}/Statement` && source) source.statement = take();
        if (where === FIELD && field) {
          if (field.name !== '') fields.push(field);
          field = undefined;
        }
        text = '';
      },
    });
  } catch (error) {
    if (error instanceof XmlError) return { type: 'refused', why: `has a damaged header: ${error.message}` };
    throw error;
  }
  if (fields.length === 0) return { type: 'refused', why: 'names no field in its header' };
  const at = (name: string): string => root.get(name) ?? '';
  return {
    type: 'header',
    header: {
      tableName: at('TableName'),
      fields,
      rows: amountOf(at('NoOfRecords')),
      recordBytes: amountOf(at('RecordByteSize')),
      creator: at('CreatorDoc'),
      created: at('CreateUtcTime'),
      build: at('QvBuildNo'),
      comment: at('Comment'),
      tags,
      sources,
      encrypted: at('EncryptionInfo') !== '',
    },
  };
};

const ROOT = 'QvdTableHeader';
const FIELD = `${ROOT}/Fields/QvdFieldHeader`;
const SOURCE = `${ROOT}/Lineage/LineageInfo`;

const amountOf = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
