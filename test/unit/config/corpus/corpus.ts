import type { CorpusCase } from './case.ts';
import { connectionCases } from './connections.ts';
import { scalarCases } from './scalars.ts';
import { structureCases } from './structure.ts';
import { substitutionCases } from './substitutions.ts';

export const corpus: readonly CorpusCase[] = [
  ...scalarCases,
  ...structureCases,
  ...substitutionCases,
  ...connectionCases,
];
