import type { Place, Tree } from '../tree.ts';
import { HoconError } from './error.ts';
import type { Head, Thunk, View } from './head.ts';
import { type Joinable, join } from './join.ts';
import type { MergeNode, ObjectNode, ReferenceNode } from './nodes.ts';
import { nameBelow, type Outside, outsideNode, withheldNode } from './outside.ts';

/** Steps of work, and characters made by concatenation, that resolving one file may take. */
const MAX_STEPS = 500_000;
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_TREE = 200_000;
const MAX_DEPTH = 256;

interface Chain {
  readonly reference: ReferenceNode;
  readonly next: Chain | undefined;
}

class Cycle extends Error {}

const holds = (chain: Chain | undefined, reference: ReferenceNode): boolean => {
  for (let link = chain; link !== undefined; link = link.next) if (link.reference === reference) return true;
  return false;
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces every substitution: from what stands outside when it is below that root, then from the file itself, then from
 * the environment. Throws {@link HoconError}.
 */
export const resolveTree = (root: ObjectNode, env: Environment, outside?: Outside): Tree =>
  new Resolver(root, env, outside).run();

/** The value of one path, before the rest is resolved; undefined when there is none or it cannot be told yet. */
export const resolvePart = (root: ObjectNode, env: Environment, path: readonly string[]): Tree | undefined => {
  try {
    return new Resolver(root, env, undefined).part(path);
  } catch (error) {
    if (error instanceof HoconError || error instanceof Cycle) return undefined;
    throw error;
  }
};

class Resolver {
  readonly #root: ObjectNode;
  readonly #env: Environment;
  readonly #outside: Outside | undefined;
  #steps = 0;
  #text = 0;
  #nodes = 0;

  constructor(root: ObjectNode, env: Environment, outside: Outside | undefined) {
    this.#root = root;
    this.#env = env;
    this.#outside = outside;
  }

  part(path: readonly string[]): Tree | undefined {
    const head = this.#lookup(path, undefined, undefined);
    return head === undefined ? undefined : this.#inside(head, undefined, 0);
  }

  run(): Tree {
    const tree = this.#deep([{ node: this.#root, view: undefined }], undefined, 0);
    return tree ?? { type: 'object', entries: new Map(), at: this.#root.at };
  }

  #spend(at: Place, steps = 1): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS)
      throw new HoconError('limit', at, 'the substitutions of this file take too much work to resolve');
  }

  /** The whole value, or undefined when it is an optional substitution that leads nowhere. */
  #deep(stack: readonly Thunk[], trail: Chain | undefined, depth: number): Tree | undefined {
    const head = this.#stack(stack, undefined);
    if (head === undefined) return undefined;
    const at = head.type === 'scalar' ? head.scalar.at : head.at;
    this.#nodes += 1;
    if (this.#nodes > MAX_TREE || depth > MAX_DEPTH)
      throw new HoconError('limit', at, 'the file becomes too large when its substitutions are resolved');
    let inside = trail;
    for (const reference of head.via) {
      if (holds(trail, reference)) throw new Cycle();
      inside = { reference, next: inside };
    }
    try {
      return this.#inside(head, inside, depth);
    } catch (error) {
      const reference = head.via[head.via.length - 1];
      if (!(error instanceof Cycle) || reference === undefined) throw error;
      if (reference.optional) return undefined;
      throw this.#circular(reference);
    }
  }

  #inside(head: Head, trail: Chain | undefined, depth: number): Tree {
    if (head.type === 'scalar') {
      const { value, text, at, origin } = head.scalar;
      return { type: 'scalar', value, text, at, ...(origin === undefined ? {} : { origin }) };
    }
    if (head.type === 'list') {
      const items: Tree[] = [];
      for (const item of head.items) {
        const value = this.#deep(item, trail, depth + 1);
        if (value !== undefined) items.push(value);
      }
      return { type: 'list', items, at: head.at };
    }
    const entries = new Map<string, Tree>();
    for (const [key, stack] of head.fields) {
      const value = this.#deep(stack, trail, depth + 1);
      if (value !== undefined) entries.set(key, value);
    }
    return { type: 'object', entries, at: head.at };
  }

  #circular(reference: ReferenceNode): HoconError {
    return new HoconError('cycle', reference.at, 'this substitution leads back to itself', {
      field: reference.field,
      substitution: reference.path.slice(reference.prefixLength),
    });
  }

  /** Newest first: objects merge until something else comes, which ends it. */
  #stack(stack: readonly Thunk[], active: Chain | undefined): Head | undefined {
    let result: Head | undefined;
    for (const thunk of stack) {
      const head = this.#head(thunk, active);
      if (head === undefined) continue;
      if (result === undefined) result = head;
      else if (result.type === 'object' && head.type === 'object') result = this.#merge(result, head);
      else break;
      if (result.type !== 'object') break;
    }
    return result;
  }

  #merge(over: Head & { type: 'object' }, under: Head & { type: 'object' }): Head {
    this.#spend(over.at, over.fields.size + under.fields.size);
    const fields = new Map<string, readonly Thunk[]>(under.fields);
    for (const [key, stack] of over.fields) fields.set(key, [...stack, ...(under.fields.get(key) ?? [])]);
    return { type: 'object', fields, at: over.at, via: [...over.via, ...under.via] };
  }

  #head({ node, view }: Thunk, active: Chain | undefined): Head | undefined {
    this.#spend(node.at);
    switch (node.type) {
      case 'scalar':
        return { type: 'scalar', scalar: node, via: [] };
      case 'list':
        return { type: 'list', items: node.items.map((item) => [{ node: item, view }]), at: node.at, via: [] };
      case 'object': {
        this.#spend(node.at, node.fields.size);
        const fields = new Map<string, readonly Thunk[]>();
        for (const [key, value] of node.fields) fields.set(key, [{ node: value, view }]);
        return { type: 'object', fields, at: node.at, via: [] };
      }
      case 'merge':
        return this.#stack(this.#visible(node, view), active);
      case 'concatenation': {
        const pieces: Joinable[] = [];
        for (const piece of node.pieces) {
          const head = this.#head({ node: piece, view }, active);
          if (head !== undefined) pieces.push(head);
        }
        const joined = join(pieces, node, (over, under) => this.#merge(over, under));
        if (joined?.type === 'scalar') {
          this.#text += joined.scalar.text.length;
          if (this.#text > MAX_TEXT)
            throw new HoconError('limit', node.at, 'the values of this file become too long when they are resolved');
        }
        if (joined?.type === 'list') this.#spend(node.at, joined.items.length);
        return joined;
      }
      case 'reference':
        return this.#reference(node, view, active);
      default:
        return node satisfies never;
    }
  }

  /** The members of a merge that can be seen; each substitution among them sees only those below itself. */
  #visible(node: MergeNode, view: View | undefined): readonly Thunk[] {
    let from = 0;
    for (let link = view; link !== undefined; link = link.next)
      if (link.merge === node) {
        from = link.from;
        break;
      }
    this.#spend(node.at, node.stack.length - from);
    return node.stack.slice(from).map((member, i) => ({
      node: member,
      view:
        member.type === 'reference' || member.type === 'concatenation'
          ? { merge: node, from: from + i + 1, next: view }
          : view,
    }));
  }

  #reference(node: ReferenceNode, view: View | undefined, active: Chain | undefined): Head | undefined {
    if (holds(active, node)) throw new Cycle();
    // What holds the substitution itself can never be whole before it is.
    if (
      view === undefined &&
      node.path.length < node.field.length &&
      node.path.every((key, i) => key === node.field[i])
    ) {
      if (node.optional) return undefined;
      throw this.#circular(node);
    }
    const inside: Chain = { reference: node, next: active };
    const name = node.path.slice(node.prefixLength);
    const secret = nameBelow(this.#outside, name);
    let head = secret === undefined ? undefined : this.#fromOutside(secret, node, inside);
    try {
      head ??= this.#lookup(node.path, view, inside);
      if (head === undefined && node.prefixLength > 0)
        head = this.#lookup(node.path.slice(node.prefixLength), view, inside);
    } catch (error) {
      if (!(error instanceof Cycle)) throw error;
      if (!node.optional) throw this.#circular(node);
      return undefined;
    }
    if (head === undefined && secret !== undefined) head = this.#missing(secret, node);
    const variable = name.length === 1 && name[0] !== undefined ? this.#env[name[0]] : undefined;
    if (head === undefined && variable !== undefined)
      head = {
        type: 'scalar',
        scalar: { type: 'scalar', value: variable, text: variable, quoted: true, at: node.at },
        via: [],
      };
    if (head === undefined && !node.optional && secret === undefined)
      throw new HoconError(
        'undefined_substitution',
        node.at,
        node.alone
          ? `the substitution \${${name.join('.')}} is defined neither in the file nor in the environment`
          : 'a substitution is defined neither in the file nor in the environment',
        { field: node.field, substitution: name },
      );
    return head === undefined ? undefined : { ...head, via: [...head.via, node] };
  }

  #fromOutside(name: string, node: ReferenceNode, active: Chain): Head | undefined {
    const found = this.#outside === undefined ? undefined : outsideNode(this.#outside, name, node);
    return found === undefined ? undefined : this.#head({ node: found, view: undefined }, active);
  }

  /** A secret that could not be had, or that has no such field: both are told elsewhere, with what to do. */
  #missing(name: string, node: ReferenceNode): Head | undefined {
    if (this.#outside?.fields !== undefined) {
      if (node.optional) return undefined;
      this.#outside.onMissing({ at: node.at, name });
    }
    return { type: 'scalar', scalar: withheldNode(node.at), via: [] };
  }

  #lookup(path: readonly string[], view: View | undefined, active: Chain | undefined): Head | undefined {
    let stack: readonly Thunk[] = [{ node: this.#root, view }];
    for (const key of path) {
      const [only] = stack;
      if (stack.length === 1 && only?.node.type === 'object') {
        // Going straight through an object keeps a lookup from listing all its keys.
        const child = only.node.fields.get(key);
        if (child === undefined) return undefined;
        stack = [{ node: child, view: only.view }];
        continue;
      }
      const head = this.#stack(stack, active);
      const child = head?.type === 'object' ? head.fields.get(key) : undefined;
      if (child === undefined) return undefined;
      stack = child;
    }
    return this.#stack(stack, active);
  }
}
