import { parseExpression } from '../syntax/parser.ts';

/** Longer ones are read where they are expanded. */
const LONGEST = 20_000;
const CALL = /[\p{L}_#]\s*\(/u;
const MODIFIER = /^\s*(?:\[[^\]]+\]|"[^"]+"|[\p{L}_%#@][\p{L}\p{M}\p{N}_%#@.]*)\s*[-+*/]?=\s*\{/u;

/**
 * What a variable's definition is as an expression when it holds a piece of one for others to expand: a formula, a set or
 * a part of one (`Sum(Sales)`, `{<Year={2025}>}`, `Year={2025}`). Undefined for values: texts, numbers, paths, names.
 */
export const macroExpression = (definition: string): string | undefined => {
  if (definition.length > LONGEST || !/[({]/.test(definition)) return undefined;
  const text = definition.trim();
  const whole = MODIFIER.test(text)
    ? `Sum({<${text}>} 1)`
    : text.startsWith('<')
      ? `Sum({${text}} 1)`
      : text.startsWith('{')
        ? `Sum(${text} 1)`
        : text;
  if (whole === text && !CALL.test(text)) return undefined;
  return parseExpression(whole, { mode: 'chart' }).diagnostics.length === 0 ? whole : undefined;
};
