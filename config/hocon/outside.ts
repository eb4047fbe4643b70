import type { Secret } from '../secret.ts';
import type { Place, Tree } from '../tree.ts';
import type { Node, ObjectNode, ReferenceNode, ScalarNode } from './nodes.ts';

/** A substitution below the root of an {@link Outside} that leads nowhere. */
export interface MissingReference {
  readonly at: Place;
  /** What follows the root, joined by dots. */
  readonly name: string;
}

/** Values that stand outside the file and that substitutions below one root lead to: `${secret_manager.password}`. */
export interface Outside {
  readonly root: string;
  /** By dotted name; undefined when they could not be had: then what asks for one gets a text that keeps its place. */
  readonly fields: ReadonlyMap<string, Secret> | undefined;
  /** Told of what leads nowhere, which is no error of the syntax; may be told twice. */
  readonly onMissing: (reference: MissingReference) => void;
}

/** Decides what stands outside, from a part of the file that is known before the rest. */
export type OutsideReader = (part: (path: readonly string[]) => Tree | undefined) => Outside | undefined;

const WITHHELD = 'withheld';

/** Keeps the place of a value that could not be had. */
export const withheldNode = (at: Place): ScalarNode => ({
  type: 'scalar',
  value: WITHHELD,
  text: WITHHELD,
  quoted: true,
  at,
  origin: 'withheld',
});

const secretNode = (secret: Secret, at: Place): ScalarNode => {
  const text = secret.reveal();
  return { type: 'scalar', value: text, text, quoted: true, at, origin: 'secret' };
};

/** The path below the root, joined by dots; undefined when it is not below it. */
export const nameBelow = (outside: Outside | undefined, path: readonly string[]): string | undefined =>
  outside !== undefined && path.length > 1 && path[0] === outside.root ? path.slice(1).join('.') : undefined;

/** What a substitution leads to: a field, or the object of all fields whose names go on behind a dot. */
export const outsideNode = (outside: Outside, name: string, { at }: ReferenceNode): Node | undefined => {
  const exact = outside.fields?.get(name);
  if (exact !== undefined) return secretNode(exact, at);
  let object: ObjectNode | undefined;
  for (const [field, secret] of outside.fields ?? []) {
    if (!field.startsWith(`${name}.`)) continue;
    object ??= { type: 'object', fields: new Map(), at };
    let into = object;
    const keys = field.slice(name.length + 1).split('.');
    for (const key of keys.slice(0, -1)) {
      const below = into.fields.get(key);
      const next: ObjectNode = below?.type === 'object' ? below : { type: 'object', fields: new Map(), at };
      into.fields.set(key, next);
      into = next;
    }
    into.fields.set(keys.at(-1) ?? '', secretNode(secret, at));
  }
  return object;
};
