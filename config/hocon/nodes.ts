import type { Origin, Place } from '../tree.ts';

/** What the parser makes of a text; substitutions are still open. */
export type Node = ScalarNode | ObjectNode | ListNode | ReferenceNode | ConcatenationNode | MergeNode;

export interface ScalarNode {
  readonly type: 'scalar';
  readonly value: string | number | boolean | null;
  /** The text as written, without quotes and escapes. */
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Place;
  readonly origin?: Origin;
}

export interface ObjectNode {
  readonly type: 'object';
  /** Filled while its file is parsed, then left alone. */
  readonly fields: Map<string, Node>;
  readonly at: Place;
}

export interface ListNode {
  readonly type: 'list';
  readonly items: readonly Node[];
  readonly at: Place;
}

/** `${path}`; with a prefix when it stands in a file that was included below a key: then both paths are tried. */
export interface ReferenceNode {
  readonly type: 'reference';
  readonly path: readonly string[];
  readonly prefixLength: number;
  readonly optional: boolean;
  /** The field whose value it stands in. */
  readonly field: readonly string[];
  /** False when it is only a part of a value: then its name may be a part of a password. */
  readonly alone: boolean;
  readonly at: Place;
}

export interface ConcatenationNode {
  readonly type: 'concatenation';
  readonly pieces: readonly Node[];
  readonly field: readonly string[];
  readonly at: Place;
}

/** One key set several times where what it means can only be said when substitutions are known; newest first. */
export interface MergeNode {
  readonly type: 'merge';
  readonly stack: readonly Node[];
  readonly at: Place;
}

/** How often one key may be set while its meaning is open; keeps self-references shallow. */
export const MAX_MERGE_STACK = 1000;

const stackOf = (node: Node): readonly Node[] => (node.type === 'merge' ? node.stack : [node]);

/** `newer` set after `older` for the same key: objects merge, values replace, substitutions wait. */
export const setAfter = (newer: Node, older: Node): Node => {
  if (newer.type === 'scalar') return newer;
  if (newer.type === 'object' && older.type === 'object') {
    for (const [key, value] of newer.fields) setField(older, key, value);
    return older;
  }
  if (newer.type === 'object' && (older.type === 'scalar' || older.type === 'list')) return newer;
  if (newer.type === 'list' && older.type !== 'merge' && older.type !== 'reference' && older.type !== 'concatenation')
    return newer;
  const below = stackOf(older);
  const top = below[0];
  if (newer.type === 'object' && top?.type === 'object') {
    // Merging into the newest object keeps a thousand dotted keys over one substitution cheap.
    setAfter(newer, top);
    return older;
  }
  return { type: 'merge', stack: [...stackOf(newer), ...below], at: newer.at };
};

/** Sets a key of an object that is still being read. */
export const setField = (object: ObjectNode, key: string, value: Node): void => {
  const older = object.fields.get(key);
  object.fields.set(key, older === undefined ? value : setAfter(value, older));
};
