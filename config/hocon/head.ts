import type { Place } from '../tree.ts';
import type { MergeNode, Node, ReferenceNode, ScalarNode } from './nodes.ts';

/**
 * While a member of a merge is being resolved, the merge itself is seen from below that member only: that is how
 * `path = ${path}":/x"` finds the older value.
 */
export interface View {
  readonly merge: MergeNode;
  readonly from: number;
  readonly next: View | undefined;
}

/** A node and how it looks at the rest. */
export interface Thunk {
  readonly node: Node;
  readonly view: View | undefined;
}

/** A value whose kind is known; what is inside may still be open. `via` are the substitutions that led here. */
export type Head =
  | { readonly type: 'scalar'; readonly scalar: ScalarNode; readonly via: readonly ReferenceNode[] }
  | {
      readonly type: 'object';
      /** For each key what it was set to, newest first. */
      readonly fields: ReadonlyMap<string, readonly Thunk[]>;
      readonly at: Place;
      readonly via: readonly ReferenceNode[];
    }
  | {
      readonly type: 'list';
      readonly items: readonly (readonly Thunk[])[];
      readonly at: Place;
      readonly via: readonly ReferenceNode[];
    };
