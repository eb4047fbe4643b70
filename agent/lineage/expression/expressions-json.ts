import type { Role } from '../result.ts';
import { looksLikeVariable, usesOf } from './uses.ts';

/** An expression of a chart, a variable or a master item, by any id. */
export interface GivenExpression {
  readonly id: string;
  readonly expression: string;
}

export interface ExpressionFields {
  readonly id: string;
  /** Each name once for every role that it has, in the order in which they stand there. */
  readonly fields: readonly { readonly name: string; readonly role: Role }[];
  readonly diagnostics: readonly {
    readonly severity: 'warning' | 'info';
    readonly code: string;
    readonly message: string;
    /** Where in the expression, in UTF-16 code units; absent for what is said of the whole. */
    readonly start?: number;
    readonly end?: number;
  }[];
}

/**
 * The fields of expressions when nothing is known of their app: every name is one, but for those in dollar expansions and
 * for names without quotes that look like variables where they are not all that an aggregation or a set names.
 */
export const fieldsOfExpressions = (given: readonly GivenExpression[]): ExpressionFields[] =>
  given.map(({ id, expression }) => {
    const uses = usesOf(expression);
    const fields = new Map<string, { name: string; role: Role }>();
    const taken = new Set<string>();
    for (const use of uses.names) {
      const { name, role } = use;
      if (looksLikeVariable(use)) taken.add(name);
      else fields.set(`${role} ${name}`, { name, role });
    }
    return {
      id,
      fields: [...fields.values()],
      diagnostics: [
        ...uses.diagnostics.map(({ start, end, message }) => ({
          ...({ severity: 'warning', code: 'lineage.expression_syntax' } as const),
          ...{ message, start, end },
        })),
        ...[...new Set([...uses.unresolved, ...taken])].map((name) => ({
          ...({ severity: 'info', code: 'lineage.variable_unknown' } as const),
          message: `The value of the variable ${name} is not known here`,
        })),
      ],
    };
  });
