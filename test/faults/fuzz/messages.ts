import { z } from 'zod';
import { ToAgent, ToGateway } from '#protocol/messages.ts';
import type { Random } from '../simulation/random.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
interface Schema {
  readonly type?: string;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const schemaOf = (type: z.ZodType): Schema => z.toJSONSchema(type, { unrepresentable: 'any', io: 'input' }) as Schema;
const variantsOf = (type: z.ZodType): readonly Schema[] => {
  const schema = schemaOf(type);
  return schema.oneOf ?? schema.anyOf ?? [];
};

/** A few values that meet again, so that messages speak of the same jobs and streams. */
const FAMILIAR: Readonly<Record<string, readonly Json[]>> = {
  jobId: ['job-1', 'job-2', 'job-3'],
  attempt: [1, 2],
  leaseToken: ['lease-1', 'lease-2'],
  stream: [1, 2, 3],
  seq: [1, 2, 3],
  durableSeq: [0, 1, 2, 3],
  upto: [0, 1, 2, 3],
  lastSeq: [0, 1, 2],
  credit: [0, 1, 1024, 1024 * 1024],
  connectionCredit: [4 * 1024 * 1024],
};

const jsonOf = (schema: Schema, name: string, random: Random, depth: number): Json => {
  if (schema.const !== undefined) return schema.const;
  const familiar = FAMILIAR[name];
  if (familiar && random.chance(0.9)) return random.pick(familiar) ?? null;
  if (schema.enum) return random.pick(schema.enum) ?? null;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return jsonOf(random.pick(choices) ?? {}, name, random, depth);
  if (schema.allOf?.[0]) return jsonOf(schema.allOf[0], name, random, depth);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, random, depth + 1);
    case 'array': {
      const most = Math.min(schema.maxItems ?? 3, random.chance(0.02) ? 200 : 3);
      const count = random.int(Math.min(schema.minItems ?? 0, most), most);
      return depth > 6 ? [] : Array.from({ length: count }, () => jsonOf(schema.items ?? {}, name, random, depth + 1));
    }
    case 'integer':
    case 'number': {
      const low = Math.max(schema.minimum ?? 0, 0);
      const high = Math.min(schema.maximum ?? 2 ** 53 - 1, random.chance(0.1) ? 2 ** 53 - 1 : 100_000);
      return random.int(Math.min(low, high), high);
    }
    case 'boolean':
      return random.chance(0.5);
    case 'null':
      return null;
    default: {
      const length = random.chance(0.02) ? 5_000 : random.int(0, 20);
      const characters = Math.max(schema.minLength ?? 0, Math.min(schema.maxLength ?? 5_000, length));
      return random.pick(['x', 'A', 'é', '\u0000', '"'])?.repeat(characters) ?? '';
    }
  }
};

const objectOf = (schema: Schema, random: Random, depth: number): Json => {
  const value: { [name: string]: Json } = {};
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (schema.required?.includes(name) === true || random.chance(0.5))
      value[name] = jsonOf(property, name, random, depth);
  return value;
};

const TO_AGENT = variantsOf(ToAgent);
const TO_GATEWAY = variantsOf(ToGateway);
const typeOf = (schema: Schema): string => String(schema.properties?.['type']?.const);

/** The types of messages in each direction: all of them have to be tried. */
export const MESSAGE_TYPES = {
  agent: TO_AGENT.map(typeOf),
  gateway: TO_GATEWAY.map(typeOf),
} as const;

/** A message as the schema of its type describes it, for the agent or the gateway. */
export const someMessage = (to: 'agent' | 'gateway', random: Random, type?: string): { [name: string]: Json } => {
  const schemas = to === 'agent' ? TO_AGENT : TO_GATEWAY;
  const schema = type === undefined ? random.pick(schemas) : schemas.find((one) => typeOf(one) === type);
  return objectOf(schema ?? {}, random, 0) as { [name: string]: Json };
};
