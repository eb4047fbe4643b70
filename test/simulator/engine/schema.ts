/** The engine's methods, from the public schema: which there are, their parameters by name and position, their outputs. */
import schema from 'enigma.js/schemas/12.2015.0.json' with { type: 'json' };
import { EngineError } from './errors.ts';

interface Parameter {
  readonly Name: string;
  readonly DefaultValue?: unknown;
  readonly Optional?: boolean;
}

interface Method {
  readonly In: readonly Parameter[];
  readonly Out: readonly { readonly Name: string }[];
}

const structs = schema.structs as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>;

export type ClassName =
  | 'Global'
  | 'Doc'
  | 'GenericObject'
  | 'GenericDimension'
  | 'GenericMeasure'
  | 'GenericVariable'
  | 'GenericBookmark'
  | 'Field';

export type Arguments = Readonly<Record<string, unknown>>;

/** Undefined when the class has no such method. */
export const methodOf = (className: ClassName, name: string): Method | undefined =>
  Object.hasOwn(structs[className] ?? {}, name) ? structs[className]?.[name] : undefined;

/** Lists are lists and structures are structures; the engine is less strict with numbers, texts and booleans. */
const sameKind = (value: unknown, pattern: unknown): boolean => {
  if (pattern === undefined || pattern === null) return true;
  if (Array.isArray(pattern)) return Array.isArray(value);
  return (typeof value === 'object') === (typeof pattern === 'object') && !Array.isArray(value);
};

/**
 * The arguments by name, whether they came as an array, as an object, or not at all; what is missing and optional has
 * the schema's default. `unknown` names parameters that this release does not have.
 * @throws EngineError -32602 when one is missing, or has another type than the schema says
 */
export function argumentsOf(method: Method, params: unknown, unknown: readonly string[]): Arguments {
  const known = method.In.filter((parameter) => !unknown.includes(parameter.Name));
  const given = new Map<string, unknown>();
  if (Array.isArray(params)) {
    for (const [index, value] of params.entries()) {
      const name = method.In[index]?.Name ?? '';
      if (unknown.includes(name)) throw new EngineError(-32602, `Unknown parameter: ${name}`);
      given.set(name, value);
    }
  } else if (typeof params === 'object' && params !== null) {
    for (const [name, value] of Object.entries(params)) {
      if (unknown.includes(name)) throw new EngineError(-32602, `Unknown parameter: ${name}`);
      given.set(name, value);
    }
  } else if (params !== undefined && params !== null) {
    throw new EngineError(-32602, 'params must be an array or an object');
  }
  const values: Record<string, unknown> = {};
  for (const { Name, DefaultValue, Optional } of known) {
    const value = given.get(Name);
    if (value === undefined || value === null) {
      // Ids and names must be there; structures, numbers and switches have defaults that work.
      if (Optional !== true && DefaultValue === '') throw new EngineError(-32602, `Missing parameter: ${Name}`);
      values[Name] = DefaultValue;
    } else if (!sameKind(value, DefaultValue)) {
      throw new EngineError(-32602, `Wrong type: ${Name}`);
    } else {
      values[Name] = value;
    }
  }
  return values;
}
