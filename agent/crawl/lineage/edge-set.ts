import type { Origin, Place } from '#agent/lineage/result.ts';
import { isSurer, ROLES, type Role } from '#protocol/lineage.ts';
import type { EdgeKind } from '#protocol/records.ts';
import { type JsonObject, present } from '../attributes.ts';

/** What is said of one way in which one thing comes from another. */
export interface EdgeFacts extends Pick<Origin, 'role' | 'confidence' | 'reasons' | 'conditional'> {
  readonly place: Place | undefined;
  readonly expression?: string | undefined;
}

export interface LineageEdgeRow {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
  readonly attributes: JsonObject;
}

interface Gathered {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
  readonly roles: Set<Role>;
  /** What is told of it: the surest of all, and of these the first. */
  best: EdgeFacts;
  /** Under conditions only. */
  conditional: boolean;
}

/**
 * Edges of lineage, one for each pair and kind: a field may take from a column as its value and as a key, in two tables, in
 * one of them for certain. No more than `most`; what comes beyond is counted.
 */
export class EdgeSet {
  readonly #edges = new Map<string, Gathered>();
  readonly #most: number;
  left = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Nothing comes from itself: what a script appends to its own file is no lineage. */
  add(kind: EdgeKind, from: string, to: string, facts: EdgeFacts): void {
    if (from === to) return;
    const id = `${kind}\n${from}\n${to}`;
    const known = this.#edges.get(id);
    if (known === undefined) {
      if (this.#edges.size >= this.#most) this.left += 1;
      else
        this.#edges.set(id, {
          ...{ kind, from, to },
          roles: new Set([facts.role]),
          best: facts,
          conditional: facts.conditional,
        });
      return;
    }
    known.roles.add(facts.role);
    known.conditional &&= facts.conditional;
    if (isSurer(facts.confidence, known.best.confidence)) known.best = facts;
  }

  *rows(): Generator<LineageEdgeRow> {
    for (const { kind, from, to, roles, best, conditional } of this.#edges.values()) {
      const all = ROLES.filter((role) => roles.has(role));
      yield {
        ...{ kind, from, to },
        attributes: present({
          role: all[0],
          roles: all.length > 1 ? [...all] : undefined,
          confidence: best.confidence,
          reasons: [...new Set(best.reasons)].slice(0, MOST_REASONS),
          expression: best.expression,
          conditional: conditional || undefined,
          place: best.place === undefined ? undefined : { ...best.place },
        }),
      };
    }
  }
}

const MOST_REASONS = 10;
