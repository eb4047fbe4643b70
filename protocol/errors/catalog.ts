import type { ErrorKinds } from './kind.ts';

/** Errors of the catalog: its store and its API. */
export const CATALOG_KINDS = {
  'catalog.unavailable': {
    retryable: true,
    advice: 'The catalog cannot store at the moment (disk or database); see its log.',
  },
  'agent.revoked': {
    retryable: false,
    advice: 'Run `culvert reset-identity` on its machine, then enrol it again with a new token.',
  },
  'agent.last_key': {
    retryable: false,
    advice:
      'Ask for a new key first and revoke this one when the agent uses the new one; or revoke it all the same: the agent then has to enrol again.',
  },
  // the catalog's API
  'api.wrong_login': {
    retryable: false,
    advice: 'Check e-mail and password; a one-time link works once and for a day: ask for a new one.',
  },
  'api.too_many_logins': { retryable: true, advice: 'Wait five minutes, then try again.' },
  'api.unauthenticated': { retryable: false, advice: 'Log in, or send an API token as `Authorization: Bearer`.' },
  'api.csrf': { retryable: false, advice: 'Reload the page; programs should use an API token.' },
  'api.forbidden': { retryable: false, advice: 'Log in to the page and do it there.' },
  'api.host': { retryable: false, advice: 'Use the address that the catalog printed when it started.' },
  'api.not_found': { retryable: false, advice: 'Check the address; it may have been deleted.' },
  'api.invalid_request': { retryable: false, advice: 'Correct the value named; /api/openapi.json describes the API.' },
  'api.conflict': { retryable: false, advice: 'Look at what is there now, then make your change again.' },
  'api.too_many_requests': {
    retryable: true,
    advice: 'Wait until the answers to what you asked before are there, then ask again.',
  },
  'api.too_long': {
    retryable: true,
    advice: 'Ask for less: fewer steps, one direction, or only what is surer.',
  },
  'api.busy': { retryable: true, advice: 'Close pages of the catalog that you do not need, then try again.' },
  // packages that are carried to the catalog by hand
  'package.unreadable': { retryable: false, advice: 'Check the path, and that this user may read the file.' },
  'package.damaged': {
    retryable: false,
    advice: 'Carry the file over again, or make a new one with culvert crawl --package.',
  },
  'package.version': { retryable: false, advice: 'Use a catalog of the release that made the file, or a later one.' },
  'package.untrusted': {
    retryable: false,
    advice: 'Register the agent that made it with culvert-catalog agent add, if you know it.',
  },
  'package.replayed': {
    retryable: false,
    advice: 'Import the newer package, or use --force to go back to this older state.',
  },
} as const satisfies ErrorKinds<'catalog' | 'agent' | 'api' | 'package'>;
