import type { Pattern } from './pattern.ts';

/** What a text is compared with. Without `fold` case counts. */
export type Test =
  | { readonly how: 'equals' | 'startsWith' | 'endsWith' | 'contains'; readonly value: string; readonly fold: boolean }
  | { readonly how: 'pattern'; readonly pattern: Pattern }
  | { readonly how: 'null' };

/** What can be asked of an item: a tree of tests. */
export type Condition =
  | { readonly type: 'always' }
  | { readonly type: 'never' }
  | { readonly type: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly type: 'not'; readonly of: Condition }
  | { readonly type: 'test'; readonly key: string; readonly test: Test }
  /** Whether all, or any, of a list fulfil a condition in which `name` stands for the one looked at. */
  | {
      readonly type: 'each';
      readonly quantifier: 'all' | 'any';
      readonly name: string;
      readonly list: string;
      readonly of: Condition;
    };
