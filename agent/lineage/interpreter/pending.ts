import type { Prefix, Step } from '../script/syntax.ts';

/** A step and the text to which its spans refer. */
export interface WrittenStep {
  readonly step: Step;
  readonly text: string;
}

/** A LOAD without a source whose source has not come yet: control statements may stand between them. */
export interface Pending {
  readonly label: string | undefined;
  readonly prefixes: readonly Prefix[];
  readonly steps: readonly WrittenStep[];
}
