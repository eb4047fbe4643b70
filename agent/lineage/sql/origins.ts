import { type Confidence, isSurer, lessSure, type Role } from '#protocol/lineage.ts';
import type { SqlOrigin } from './analysis.ts';

/** What origins become when what they make is used in a role: values take the role on, all else keeps its own. */
export function inRole(origins: readonly SqlOrigin[], role: Role): readonly SqlOrigin[] {
  return role === 'value' ? origins : origins.map((origin) => ({ ...origin, role }));
}

/** The same, not surer than this and for this reason. */
export function weakened(origins: readonly SqlOrigin[], confidence: Confidence, reason: string): readonly SqlOrigin[] {
  return origins.map((origin) => ({
    ...origin,
    confidence: lessSure(origin.confidence, confidence),
    reasons: origin.reasons.includes(reason) ? origin.reasons : [...origin.reasons, reason],
  }));
}

/** Each column of each object once in each role, at its surest. */
export function distinct(origins: readonly SqlOrigin[]): readonly SqlOrigin[] {
  if (origins.length < 2) return origins;
  const byKey = new Map<string, SqlOrigin>();
  for (const origin of origins) {
    const key = `${origin.object}\n${origin.column}\n${origin.role}`;
    const other = byKey.get(key);
    if (other === undefined || isSurer(origin.confidence, other.confidence)) byKey.set(key, origin);
  }
  return [...byKey.values()];
}
