import type { Role } from '../result.ts';

/**
 * A query as the resolver wants it, whoever read it: names and what they stand in, without operators and literals. What
 * could not be expanded stands in names as `$(…)` or its stand-in (`Holes`).
 */
export interface Query {
  readonly ctes: readonly Cte[];
  /** More than one: the branches of UNION and its like, column by column. */
  readonly branches: readonly Branch[];
  /** ORDER BY of the whole. */
  readonly sort: readonly Use[];
}

export interface Cte {
  readonly name: string;
  readonly columns: readonly string[];
  readonly query: Query;
}

/** A SELECT, or a query in parentheses. `without`: what it gives is taken away (EXCEPT, MINUS): no values come from it. */
export type Branch =
  | { readonly type: 'select'; readonly select: Select; readonly without: boolean }
  | { readonly type: 'query'; readonly query: Query; readonly without: boolean };

export interface Select {
  readonly items: readonly Item[];
  readonly sources: readonly From[];
  /** Joins and WHERE. */
  readonly uses: readonly Use[];
  /** What may use the names that the items give: GROUP BY, HAVING, QUALIFY. */
  readonly late: readonly Use[];
}

export type Item =
  | {
      readonly type: 'star';
      /** `t.*`; empty for all sources. */
      readonly of: readonly string[];
      readonly except: readonly string[];
      readonly rename: ReadonlyMap<string, string>;
      /** `* REPLACE (a + 1 AS a)`: instead of the column of that name. */
      readonly replace: readonly { readonly name: string; readonly uses: readonly Use[] }[];
    }
  /** `name`: undefined when the text gives none. */
  | { readonly type: 'column'; readonly name: string | undefined; readonly uses: readonly Use[] };

/** Something that is read in a role: a column or a query. */
export type Use =
  | { readonly type: 'column'; readonly path: readonly string[]; readonly role: Role }
  | { readonly type: 'query'; readonly query: Query; readonly role: Role }
  /** USING (name): the column of all sources that have it; a key. */
  | { readonly type: 'shared'; readonly name: string }
  /** ORDER BY 2. */
  | { readonly type: 'position'; readonly position: number; readonly role: Role };

/** What stands in FROM. `columns`: names given with the alias, instead of its own. */
export type From =
  | {
      readonly type: 'object';
      /** As written, without quotes. */
      readonly name: string;
      /** Its last part, by which columns name it when there is no alias. */
      readonly path: readonly string[];
      readonly alias: string | undefined;
      readonly columns: readonly string[];
    }
  | {
      readonly type: 'query';
      readonly query: Query;
      readonly alias: string | undefined;
      readonly columns: readonly string[];
    }
  /** VALUES, UNNEST, LATERAL FLATTEN, explode: columns made of others. `name`: of a function that makes data itself. */
  | {
      readonly type: 'made';
      readonly name: string | undefined;
      readonly uses: readonly Use[];
      /** Of VALUES: what each column is made of, in the rows of the list. */
      readonly each?: readonly (readonly Use[])[];
      readonly alias: string | undefined;
      readonly columns: readonly string[];
    }
  /** PIVOT and UNPIVOT of what stands before it: columns that it adds, and those that it takes away. */
  | {
      readonly type: 'turned';
      readonly from: From;
      readonly adds: readonly { readonly name: string; readonly uses: readonly Use[] }[];
      readonly takes: readonly string[];
      readonly alias: string | undefined;
      readonly columns: readonly string[];
    };
