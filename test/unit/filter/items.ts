import { ExpressionError } from '#config/filter/expression-lexer.ts';
import type { Filter } from '#config/filter/filter.ts';
import type { AppItem, FilterItem, SheetItem, StreamItem } from '#config/filter/item.ts';
import { PatternError } from '#config/filter/regex.ts';

const owner = { userDirectory: 'CORP', userId: 'ada', name: 'Ada Lovelace' };

export const stream = (name: string, id = `id-of-${name}`): StreamItem => ({ kind: 'stream', id, name });

export const app = (name: string, more: Partial<AppItem> = {}): AppItem => ({
  kind: 'app',
  id: `id-of-${name}`,
  name,
  description: '',
  stream: { id: 'id-of-Finance', name: 'Finance' },
  published: true,
  owner,
  tags: [],
  customProperties: [],
  ...more,
});

export const sheet = (name: string, of: AppItem, more: Partial<SheetItem> = {}): SheetItem => ({
  kind: 'sheet',
  id: `id-of-${name}`,
  name,
  app: of,
  published: true,
  approved: true,
  owner,
  ...more,
});

export const kept = (filter: Filter, items: readonly FilterItem[]): string[] =>
  items.filter((item) => filter.judge(item).kept).map(({ kind, name }) => `${kind} ${name}`);

/** What is wrong with a pattern or an expression, as people read it. */
export const refusal = (read: () => unknown): { message: string; advice: string; offset?: number } => {
  try {
    read();
  } catch (error) {
    if (error instanceof ExpressionError) return { message: error.message, advice: error.advice, offset: error.offset };
    if (error instanceof PatternError) return { message: error.message, advice: error.advice };
    throw error;
  }
  throw new Error('nothing is wrong with it');
};
