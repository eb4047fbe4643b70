import type { Diagnostic, ScriptLineage } from '#agent/lineage/result.ts';
import { redactText } from '#config/redaction/rules.ts';
import type { JsonObject } from '../attributes.ts';
import { present } from '../attributes.ts';

const MOST_DIAGNOSTICS = 50;
const MOST_MESSAGE = 500;
const GRAVEST = { error: 0, warning: 1, info: 2 } as const satisfies Record<Diagnostic['severity'], number>;

/** Attribute `lineage` of an app: how well its script was understood. @param coverage 0 to 1; null: not known */
export const lineageFacts = (lineage: ScriptLineage, coverage: number | null): JsonObject => {
  const { diagnostics, statements, datasets, cut } = lineage;
  // Redacted before they are cut: half a password in an address looks like none.
  const shown = diagnostics
    .toSorted((a, b) => GRAVEST[a.severity] - GRAVEST[b.severity])
    .slice(0, MOST_DIAGNOSTICS)
    .map(({ severity, code, message, place }) => ({
      ...{ severity, code, message: redactText(message).slice(0, MOST_MESSAGE).toWellFormed() },
      place: { ...place },
    }));
  const holes = new Set(datasets.flatMap((use) => use.holes)).size;
  return {
    coverage,
    statements: { ...statements },
    diagnostics: shown,
    diagnosticCount: diagnostics.length,
    ...present({ holes: holes === 0 ? undefined : holes, cut }),
  };
};
