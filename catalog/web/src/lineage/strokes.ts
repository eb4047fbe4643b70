import type { LineageLine } from '#catalog/api/contract.ts';
import type { Line } from './model.ts';

type Confidence = NonNullable<LineageLine['confidence']>;
type Role = NonNullable<LineageLine['role']>;

/** How sure a line is, surest first: each has a stroke of its own. */
export const CONFIDENCE_WORDS = {
  confirmed: 'Confirmed by a second witness',
  exact: 'Exact: the script says it',
  inferred: 'Inferred from something else',
  candidate: 'Candidate: one of several',
  opaque: 'Opaque: known for the table only',
} as const satisfies Record<Confidence, string>;
export const CONFIDENCES = Object.keys(CONFIDENCE_WORDS) as readonly Confidence[];

export const ROLE_WORDS = {
  value: 'value',
  key: 'key of a join',
  filter: 'filter',
  sort: 'sort order',
  group: 'grouping',
  'map-key': 'key of a mapping',
  attribute: 'attribute',
  dimension: 'dimension',
  condition: 'condition',
} as const satisfies Record<Role, string>;
const ROLES = Object.keys(ROLE_WORDS) as readonly Role[];

/** What stands at the end of a line. */
export type Mark = 'value' | 'key' | 'filter' | 'shape';
export const MARK_WORDS = {
  value: 'gives its value',
  key: 'joins or maps',
  filter: 'filters or decides',
  shape: 'groups, sorts or splits',
} as const satisfies Record<Mark, string>;

const markOf = (role: Role | null): Mark => {
  switch (role) {
    case 'key':
    case 'map-key':
      return 'key';
    case 'filter':
    case 'condition':
      return 'filter';
    case 'group':
    case 'sort':
    case 'dimension':
    case 'attribute':
      return 'shape';
    case 'value':
    case null:
      return 'value';
    default:
      return role satisfies never;
  }
};

/** How a line looks: of several edges the surest and the strongest. */
export interface Stroke {
  /** Null: certain by itself. */
  readonly confidence: Confidence | null;
  readonly role: Role | null;
  readonly mark: Mark;
  readonly isConditional: boolean;
  readonly isUnreachable: boolean;
  readonly isManual: boolean;
}

export const strokeOf = ({ edges }: Pick<Line, 'edges'>): Stroke => {
  const certain = edges.some(({ confidence }) => confidence === null);
  const confidence = certain
    ? null
    : (CONFIDENCES.find((one) => edges.some((edge) => edge.confidence === one)) ?? null);
  const role = ROLES.find((one) => edges.some((edge) => edge.role === one)) ?? null;
  return {
    ...{ confidence, role, mark: markOf(role) },
    isConditional: edges.every(({ conditional }) => conditional),
    isUnreachable: edges.every(({ unreachable }) => unreachable),
    isManual: edges.some(({ manual }) => manual),
  };
};

/** A line in words, for lists and screen readers. */
export const strokeWords = (line: Pick<Line, 'edges'>): string => {
  const { confidence, role, isConditional, isUnreachable, isManual } = strokeOf(line);
  const kinds = new Set(line.edges.map(({ kind }) => kind));
  const verb = kinds.has('loads')
    ? 'loaded'
    : kinds.has('produces')
      ? 'stored'
      : kinds.has('contains')
        ? 'part of it'
        : kinds.has('uses')
          ? 'used'
          : null;
  return [
    verb ?? (role === null ? 'derived' : ROLE_WORDS[role]),
    confidence,
    isConditional ? 'only under a condition' : null,
    isUnreachable ? 'never reached' : null,
    isManual ? 'by hand' : null,
  ]
    .filter((word) => word !== null)
    .join(', ');
};
