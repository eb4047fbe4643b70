import type { Pattern } from './pattern.ts';

/** What a text is compared with. Without `fold` case counts. */
export type Test =
  | { readonly how: 'equals' | 'startsWith' | 'endsWith' | 'contains'; readonly value: string; readonly fold: boolean }
  | { readonly how: 'pattern'; readonly pattern: Pattern }
  | { readonly how: 'null' };

/** What can be asked of an item: a tree of tests. Of a list one member that passes is enough. */
export type Condition =
  | { readonly type: 'always' }
  | { readonly type: 'never' }
  | { readonly type: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly type: 'not'; readonly of: Condition }
  /** `open`: of an item without a value it is not false but open, as of one whose kind has none. */
  | { readonly type: 'test'; readonly key: string; readonly test: Test; readonly open?: true }
  /** Whether all, or any, of a list fulfil a condition in which `name` stands for the one looked at. */
  | {
      readonly type: 'each';
      readonly quantifier: 'all' | 'any';
      readonly name: string;
      readonly list: string;
      readonly of: Condition;
    };

/** A text that stands for a condition: what judges alike may differ in it, what is alike in it judges alike. */
export const conditionText = (condition: Condition): string =>
  JSON.stringify(condition, (key, value: unknown) =>
    key === 'pattern' && typeof value === 'object' && value !== null && 'identity' in value ? value.identity : value,
  );
