/** How much a finding matters, the gravest first. */
export const SEVERITIES = ['error', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What the catalog looks for in what was crawled, and how much each matters. */
export const FINDINGS = {
  'credential.in_clear': 'error',
  'reload.failed': 'error',
  'reload.overdue': 'warning',
  'reload.never': 'warning',
  'field.missing': 'warning',
  'measure.two_formulas': 'warning',
  'owner.none': 'warning',
  'owner.inactive': 'warning',
  'owner.unknown': 'note',
  'master_item.unused': 'note',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof FINDINGS;
export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];
