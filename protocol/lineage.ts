import { z } from 'zod';

/** What a field takes from its origin, the strongest first: an edge with several names the first as its role. */
export const ROLES = [
  'value',
  'key',
  'filter',
  'sort',
  'group',
  'map-key',
  'attribute',
  'dimension',
  'condition',
] as const;
export type Role = (typeof ROLES)[number];

/**
 * How sure an edge is, surest first. `confirmed`: the script and another witness agree. `exact`: the text alone says it.
 * `inferred`: a variable's value or the columns of a `*` were learnt elsewhere, or an unqualified SQL column has one
 * candidate. `candidate`: one of several possibilities. `opaque`: known for the table only.
 */
export const CONFIDENCES = ['confirmed', 'exact', 'inferred', 'candidate', 'opaque'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** The less sure of two. */
export const lessSure = (one: Confidence, other: Confidence): Confidence =>
  CONFIDENCES.indexOf(one) >= CONFIDENCES.indexOf(other) ? one : other;

/** Whether one is surer than the other; none is surer than itself. */
export const isSurer = (one: Confidence, other: Confidence): boolean => one !== other && lessSure(one, other) === other;

/** Where something stands in the script that a person sees. */
export const LineagePlace = z.object({
  /** '' for the script itself, else the path of the include as it was written. */
  file: z.string(),
  /** Of the statement's first and last line; 1-based. */
  line: z.int().positive(),
  endLine: z.int().positive(),
  /** 1-based, in UTF-16 code units. */
  column: z.int().positive(),
});
export type LineagePlace = z.infer<typeof LineagePlace>;

/**
 * Attributes of an edge of kind `derives`, `loads` or `produces`. A reader takes each for itself: an edge of a newer agent
 * may say more.
 */
export const LineageEdge = z.object({
  role: z.enum(ROLES),
  /** All of them, when there is more than one. */
  roles: z.array(z.enum(ROLES)).optional(),
  confidence: z.enum(CONFIDENCES),
  /** Short codes that say why it is not surer. */
  reasons: z.array(z.string()).optional(),
  /** Redacted. */
  expression: z.string().optional(),
  /** Only under a condition that the script alone does not decide. */
  conditional: z.boolean().optional(),
  /** What was read stands where a reload never comes. */
  unreachable: z.boolean().optional(),
  /** An administrator's mapping file says so. */
  manual: z.boolean().optional(),
  place: LineagePlace.optional(),
});
export type LineageEdge = z.infer<typeof LineageEdge>;

/** Attribute `lineage` of an app: how well its script was understood. */
export const AppLineage = z.object({
  /** Share of the app's final fields whose origin was found and agrees with the engine's model, 0 to 1; null: not known. */
  coverage: z.number().min(0).max(1).nullable(),
  statements: z.object({ total: z.int(), understood: z.int(), opaque: z.int() }),
  /** The first ones, the gravest before the others. */
  diagnostics: z.array(
    z.object({
      severity: z.enum(['error', 'warning', 'info']),
      code: z.string(),
      message: z.string(),
      place: LineagePlace.optional(),
    }),
  ),
  /** How many there are altogether. */
  diagnosticCount: z.int(),
  /** A limit that cut the work short. */
  cut: z.string().optional(),
});
export type AppLineage = z.infer<typeof AppLineage>;
