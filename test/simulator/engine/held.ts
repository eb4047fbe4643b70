/** What a handle of an engine session stands for. */
import type { EngineObject, Variable } from '../model/types.ts';
import type { ClassName } from './schema.ts';

export type Json = Readonly<Record<string, unknown>>;

export type Held =
  | { readonly kind: 'global' }
  | { readonly kind: 'doc' }
  | { readonly kind: 'object'; readonly object: EngineObject }
  | { readonly kind: 'session'; readonly id: string; readonly type: string; readonly properties: Json }
  | { readonly kind: 'dimension' | 'measure' | 'bookmark'; readonly object: EngineObject }
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'field'; readonly name: string };

export const classOf = (held: Held): ClassName => {
  switch (held.kind) {
    case 'global':
      return 'Global';
    case 'doc':
      return 'Doc';
    case 'object':
    case 'session':
      return 'GenericObject';
    case 'dimension':
      return 'GenericDimension';
    case 'measure':
      return 'GenericMeasure';
    case 'bookmark':
      return 'GenericBookmark';
    case 'variable':
      return 'GenericVariable';
    case 'field':
      return 'Field';
    default:
      return held satisfies never;
  }
};

/** What an object answers to the calls that look for it again: one object has one handle in a session. */
export const heldKey = (held: Held): string | null => {
  switch (held.kind) {
    case 'global':
    case 'doc':
      return null;
    case 'session':
      return `object/${held.id}`;
    case 'variable':
      return `variable/${held.variable.qId}`;
    case 'field':
      return `field/${held.name}`;
    case 'object':
    case 'dimension':
    case 'measure':
    case 'bookmark':
      return `${held.kind}/${held.object.qId}`;
    default:
      return held satisfies never;
  }
};

/** The `qReturn` of a call that found or made an object. */
export const reference = (held: Held, handle: number): Json => {
  const qType = classOf(held);
  switch (held.kind) {
    case 'global':
    case 'doc':
      return { qType, qHandle: handle };
    case 'session':
      return { qType, qHandle: handle, qGenericType: held.type, qGenericId: held.id };
    case 'variable':
      return { qType, qHandle: handle, qGenericType: 'variable', qGenericId: held.variable.qId };
    case 'field':
      return { qType, qHandle: handle, qGenericId: held.name };
    case 'object':
    case 'dimension':
    case 'measure':
    case 'bookmark':
      return { qType, qHandle: handle, qGenericType: held.object.qType, qGenericId: held.object.qId };
    default:
      return held satisfies never;
  }
};

/** How the engine says that there is no such object: no error, but nulls. */
export const NOTHING: Json = { qType: null, qHandle: null };
