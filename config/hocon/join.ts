import { HoconError } from './error.ts';
import type { Head, Thunk } from './head.ts';
import type { ConcatenationNode, ScalarNode } from './nodes.ts';

export type Joinable = Head;
type ObjectHead = Head & { readonly type: 'object' };
type ListHead = Head & { readonly type: 'list' };

/** An object with numbers as keys, read as a list, as Lightbend does when it is joined to one. */
const asList = (head: ObjectHead): ListHead | undefined => {
  const items: { index: number; stack: readonly Thunk[] }[] = [];
  for (const [key, stack] of head.fields) if (/^\d{1,9}$/.test(key)) items.push({ index: Number(key), stack });
  if (items.length === 0) return undefined;
  items.sort((a, b) => a.index - b.index);
  return { type: 'list', items: items.map(({ stack }) => stack), at: head.at, via: head.via };
};

/** Joins the pieces of one value from left to right: texts, or lists, or objects; never a mixture. */
export const join = (
  pieces: readonly Joinable[],
  node: ConcatenationNode,
  merge: (over: ObjectHead, under: ObjectHead) => Head,
): Head | undefined => {
  let left: Head | undefined;
  for (const right of pieces) left = left === undefined ? right : pair(left, right, node, merge);
  return left;
};

const pair = (
  left: Head,
  right: Head,
  node: ConcatenationNode,
  merge: (over: ObjectHead, under: ObjectHead) => Head,
): Head => {
  const via = [...left.via, ...right.via];
  if (left.type === 'object' && right.type === 'object') return merge(right, left);
  const a = left.type === 'object' && right.type === 'list' ? asList(left) : left;
  const b = left.type === 'list' && right.type === 'object' ? asList(right) : right;
  if (a?.type === 'list' && b?.type === 'list') return { type: 'list', items: [...a.items, ...b.items], at: a.at, via };
  // Lightbend drops any unquoted text after a list or an object, not only blanks.
  if (
    left.type !== 'scalar' &&
    right.type === 'scalar' &&
    typeof right.scalar.value === 'string' &&
    !right.scalar.quoted
  )
    return left;
  if (left.type !== 'scalar' || right.type !== 'scalar')
    throw new HoconError('mixed_concatenation', node.at, 'a text cannot be joined to an object or a list', {
      field: node.field,
    });
  const text = left.scalar.text + right.scalar.text;
  const origins = [left.scalar.origin, right.scalar.origin];
  const origin = origins.includes('withheld') ? 'withheld' : origins.includes('secret') ? 'secret' : undefined;
  const scalar: ScalarNode = {
    type: 'scalar',
    value: text,
    text,
    quoted: true,
    at: left.scalar.at,
    ...(origin === undefined ? {} : { origin }),
  };
  return { type: 'scalar', scalar, via };
};
