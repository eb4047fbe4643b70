import { isReadable } from '../script/parser/load.ts';
import type { Statement } from '../script/syntax.ts';

/** Whether all of it was understood: a LOAD of which one field could not be read does its work without it. */
export const isUnderstood = (statement: Statement): boolean =>
  statement.type === 'load'
    ? statement.steps.every((step) => step.type === 'select' || step.fields.every(isReadable))
    : statement.type !== 'opaque' && statement.type !== 'macro';

/** Offsets of the commas in lists of fields that have no field on one of their sides: the engine stops there. */
export const strayCommas = (statement: Statement): readonly number[] =>
  statement.type === 'load'
    ? statement.steps.flatMap((step) => (step.type === 'load' ? (step.strayCommas ?? []) : []))
    : NONE;

const NONE: readonly number[] = [];
