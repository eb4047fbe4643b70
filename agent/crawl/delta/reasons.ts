import { ERROR_KINDS, type ErrorCode } from '#protocol/errors.ts';
import type { Reason } from '#protocol/records.ts';
import type { Why } from '../scope-writer.ts';
import { changedParts, type Fingerprint, type FingerprintPart, objectCount } from './fingerprint.ts';

const orNever = (time: string | null): string => time ?? 'never';

const describe = (part: FingerprintPart, before: Fingerprint, now: Fingerprint): string => {
  switch (part) {
    case 'reloaded':
      return `reloaded ${orNever(now.reloaded)} (before: ${orNever(before.reloaded)})`;
    case 'published':
      return `published ${orNever(now.published)} (before: ${orNever(before.published)})`;
    case 'modified':
      return `modified ${orNever(now.modified)} (before: ${orNever(before.modified)})`;
    case 'objects': {
      const [were, are] = [objectCount(before.objects), objectCount(now.objects)];
      return were === are ? `one of its ${are} objects changed` : `it has ${are} objects (before: ${were})`;
    }
    case 'owner':
      return 'its owner, or the name or e-mail of the owner, changed';
    case 'stream':
      return `its stream is ${now.stream ?? 'none'} (before: ${before.stream ?? 'none'})`;
    case 'properties':
      return 'its name, description, tags or custom properties changed';
    default:
      return part satisfies never;
  }
};

/** Why an app whose fingerprint changed is read; undefined when it did not. */
export const changeOf = (before: Fingerprint, now: Fingerprint): Reason | undefined => {
  const parts = changedParts(before, now);
  const [first] = parts;
  if (first === undefined) return undefined;
  const text = parts.map((part) => describe(part, before, now)).join('; ');
  return reason(first, `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
};

export const reason = (code: string, message: string): Reason => ({ code, message: message.slice(0, 500) });

export const UNCHANGED = reason('unchanged', 'Nothing of it changed since it was read.');
export const FIRST = reason('first', 'It was not known before.');
export const REQUESTED = reason('requested', 'It was asked for by name.');
export const INCLUDED = reason('included', 'A file that its script includes changed, came or went.');
export const ASKED = reason('lineage_asked', 'Its lineage was made anew because somebody asked for it.');
/** The agent has nothing to make it from: the policy, the quota or a first start kept none of its script. */
export const NOT_KEPT = reason(
  'lineage_not_kept',
  'Its lineage could not be made anew and is as it was: nothing of it is kept on the agent’s machine. A crawl that reads it again gives it: Run for… this app, or a full crawl.',
);
/** There was nothing to keep: it has no script, or none that the user may see. */
export const NO_SCRIPT = reason(
  'lineage_no_script',
  'There is no lineage to make: when it was crawled last, it had no load script that the agent could read.',
);
/**
 * Stands for all that the lineage of an app was made with, when nobody knows which the catalog has: a job that made it anew was
 * broken off, or not published.
 */
export const UNSURE_INPUT = 'unsure';

/** What the lineage of an app is made with, in words. @param input as it is noted */
export const lineageOf = (input: string): Reason => {
  if (input === UNSURE_INPUT)
    return reason('lineage', 'A job that made its lineage anew did not end well, so that it is made once more.');
  const [kind = '', ...rest] = input.split(' ');
  const name = rest.join(' ');
  const what = {
    interpreter: 'the interpreter of load scripts',
    mapping: 'the mapping file',
    connection: `the data connection ${name}`,
    binary: `the apps that BINARY ${name} may mean`,
    include: `the included script ${name}`,
    columns: 'the columns of a file that its script reads whole',
    files: `the files ${name}`,
  }[kind];
  return reason('lineage', `What its lineage is made with changed: ${what ?? input}.`);
};
export const INTERRUPTED = reason('interrupted', 'It was being read when an earlier crawl ended before its time.');
export const AGAIN = reason(
  'failed_before',
  'It could not be read whole the last time, for a reason that may have passed.',
);

const isPassing = (code: string): boolean => code in ERROR_KINDS && ERROR_KINDS[code as ErrorCode].retryable;

/** Whether what a scope lacks may be there the next time. */
export const mayHavePassed = ({ error, missing = [] }: Why): boolean =>
  error?.retryable === true || missing.some(({ code }) => isPassing(code));
