/** Exit code for wrong usage, and for a command that found nothing to work on; 1 is for a mistake that a person must mend. */
export const USAGE = 2;
