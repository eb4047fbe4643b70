import type { Finding } from '#catalog/api/contract.ts';

/** What each kind of finding means to somebody who sees it for the first time, and what to do about it. */
export const ADVICE = {
  'credential.in_clear':
    'A password, token or key is written in a load script or variable, where everybody who may open the app can read it. Put it into a data connection, and change it: it was seen.',
  'reload.failed':
    'The last reload of the app ended with an error, so its charts show old data. Look at the task in the QMC, mend the cause, and start it.',
  'reload.overdue':
    'A schedule promises newer data than the app has. Look in the QMC whether its task is stuck, or waits for another one.',
  'reload.never': 'The app was never reloaded, so its charts are empty. Reload it, or delete it if nobody needs it.',
  'field.missing':
    'A formula names a field that the app does not load, so it calculates nothing or the wrong thing. Mostly the field was renamed or is no longer loaded: correct the name in the formula, or load the field.',
  'measure.two_formulas':
    'Measures of one name are calculated differently, so two people who use the same word may get two numbers. Agree on one formula and make it a master measure, or give them different names.',
  'owner.none': 'Nobody is responsible for it. Give it an owner in the QMC.',
  'owner.inactive': 'Its owner cannot log in any more. Give it to somebody else in the QMC.',
  'owner.unknown':
    'Its owner is not among the users that the crawl sees: deleted, or hidden from the user of the crawl. Look it up in the QMC.',
  'master_item.unused':
    'No chart that the crawl sees uses this master item. Use it where its formula was copied by hand, or delete it.',
} as const satisfies Record<Finding['code'], string>;
