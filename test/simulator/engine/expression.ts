/**
 * The little of the expression language that metadata calls need: which fields an expression names, what its dollar
 * signs expand to, whether its brackets and quotes close, and what a constant comes to.
 */
import type { AppContent } from '../model/types.ts';

const fieldSets = new WeakMap<AppContent, ReadonlySet<string>>();

const fieldsOf = (content: AppContent): ReadonlySet<string> => {
  const known = fieldSets.get(content) ?? new Set(content.fields.map((field) => field.name));
  fieldSets.set(content, known);
  return known;
};

/** The app's fields that the expression names, in order, each once. Texts in single quotes are no fields. */
export function fieldNamesIn(expression: string, content: AppContent): readonly string[] {
  const fields = fieldsOf(content);
  if (fields.has(expression)) return [expression];
  const found = new Set<string>();
  const tokens = /'(?:[^']|'')*'|\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([\p{L}_%#@][\p{L}\p{N}_.%#@$]*)/gu;
  for (const match of expression.matchAll(tokens)) {
    const name = match[1]?.replaceAll(']]', ']') ?? match[2]?.replaceAll('""', '"') ?? match[3];
    if (name !== undefined && fields.has(name)) found.add(name);
  }
  return [...found];
}

/** Replaces `$(name)` by the variable's definition, again in what came in; unknown names vanish. */
export function expandDollars(expression: string, content: AppContent): string {
  let text = expression;
  for (let depth = 0; depth < 16 && /\$\([^()]*\)/.test(text); depth += 1) {
    text = text.replaceAll(/\$\(([^()]*)\)/g, (_, inner: string) => {
      const name = inner.replace(/^=/, '').split(',')[0]?.trim() ?? '';
      return content.variables.find((variable) => variable.name === name)?.definition ?? '';
    });
  }
  return text;
}

/** What `CheckExpression` says: an error text when a bracket or a quote does not close, and names that are no fields. */
export function checkExpression(
  expression: string,
  content: AppContent,
): { qErrorMsg: string; qBadFieldNames: { qFrom: number; qCount: number }[]; qDangerousFieldNames: [] } {
  const open: string[] = [];
  const closing: Readonly<Record<string, string>> = { ')': '(', '}': '{', '>': '<' };
  const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|['"[\](){}]/g;
  for (const [token] of expression.matchAll(tokens)) {
    if (token === '(' || token === '{') open.push(token);
    else if (token === ')' || token === '}') {
      if (open.pop() !== closing[token])
        return {
          qErrorMsg: `Error in expression: unexpected '${token}'`,
          qBadFieldNames: [],
          qDangerousFieldNames: [],
        };
    } else if (token.length === 1) {
      return { qErrorMsg: `Error in expression: ${token} is not closed`, qBadFieldNames: [], qDangerousFieldNames: [] };
    }
  }
  if (open.length > 0)
    return { qErrorMsg: "Error in expression: ')' expected", qBadFieldNames: [], qDangerousFieldNames: [] };
  const fields = fieldsOf(content);
  const qBadFieldNames = [...expression.matchAll(/\[((?:[^\]]|\]\])+)\]/g)]
    .filter((match) => !fields.has((match[1] ?? '').replaceAll(']]', ']')))
    .map((match) => ({ qFrom: match.index, qCount: match[0].length }));
  return { qErrorMsg: '', qBadFieldNames, qDangerousFieldNames: [] };
}

/** Constants and sums of constants; everything else has no value here and reads `-`, as a failed calculation does. */
export function evaluate(
  expression: string,
  content: AppContent,
): { qText: string; qIsNumeric: boolean; qNumber: number } {
  const text = expandDollars(expression, content).trim().replace(/^=/, '').trim();
  const quoted = /^'((?:[^']|'')*)'$/.exec(text);
  if (quoted) return { qText: (quoted[1] ?? '').replaceAll("''", "'"), qIsNumeric: false, qNumber: 0 };
  if (/^[\d.\s]+(?:[+-][\d.\s]+)*$/.test(text)) {
    const terms = text.replaceAll(/\s/g, '').match(/[+-]?[\d.]+/g) ?? [];
    const qNumber = terms.reduce((sum, term) => sum + Number(term), 0);
    if (Number.isFinite(qNumber)) return { qText: String(qNumber), qIsNumeric: true, qNumber };
  }
  return { qText: '-', qIsNumeric: false, qNumber: 0 };
}
