import { printable, shortened } from '#protocol/printable.ts';
import { OPENMETADATA_KEYS } from '../openmetadata/keys.ts';
import { POLICY_KEYS } from '../policy/keys.ts';
import { CONNECTION_KEYS, SETTINGS_KEYS } from './keys.ts';

/** What stands in an excerpt for what may not be shown. */
export const HIDDEN = '[redacted]';

/** Longer lines are not looked at: no person wrote them, and patterns would take long. */
export const MAX_LINE = 2000;

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
const all = [...CONNECTION_KEYS, ...SETTINGS_KEYS, ...OPENMETADATA_KEYS, ...POLICY_KEYS];
const shown = all.filter((key) => key.type !== 'any' && key.secret !== true).map((key) => key.path);
const secret = new Set(all.filter((key) => key.secret === true).map((key) => lastOf(key.path)));
/** Keys whose values may be shown. Everything else is hidden: a password may stand after a typo. */
const openPaths = new Set(shown);
/** Their last parts, for a line of which no more is known; never one that a secret has, too. */
const open = new Set(shown.map(lastOf).filter((key) => !secret.has(key)));

const KEY = /\s*(?:-\s+)?("[A-Za-z0-9_.-]*"|[A-Za-z0-9_.-]+)(?:\s*(\+=|[=:])\s*|\s*(?=\{))/y;
const VALUE = /"""[^"]*"""|"(?:[^"\\]|\\.)*"|[^\s"{}[\],#][^"{}[\],#]*/y;

/** True when the value of a key may never be shown, nor any part of it. */
export const isSecretKey = (path: readonly string[]): boolean => !openPaths.has(path.join('.'));

/**
 * A line of a connection file as it may be shown: values of keys that hold secrets, of unknown keys, and credentials in
 * URLs are hidden; with `hidden` any value is. Undefined when the line is not of the form `key = value`, since then
 * nothing is known about it.
 */
export const excerptOf = (line: string, hidden = false): string | undefined => {
  if (line.length > MAX_LINE) return undefined;
  let shown = '';
  let at = 0;
  const step = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match !== null) at += match[0].length;
    return match;
  };
  const opening = step(/\s*[{}]?\s*/y);
  shown += opening?.[0] ?? '';
  if (at === line.length) return shown.trim() === '' ? undefined : clean(shown);
  for (;;) {
    const key = step(KEY);
    if (key === null) return shown.trim() === '' ? undefined : clean(`${shown}${HIDDEN}`);
    shown += key[0];
    const brace = step(/\s*\{\s*/y);
    if (brace !== null) {
      shown += brace[0];
      if (at === line.length) return clean(shown);
      continue;
    }
    if (at === line.length) return clean(shown);
    const name = lastOf((key[1] ?? '').replaceAll('"', ''));
    if (hidden || !open.has(name) || holdsSecretKey(line.slice(at))) return clean(`${shown}${HIDDEN}`);
    // Only a single plain value is understood well enough to be shown together with what follows it.
    const value = step(VALUE);
    const rest = line.slice(at);
    if (value === null || /^\s*[,}]/.test(rest)) {
      shown += value?.[0] ?? '';
      const next = step(/\s*[,}]+\s*/y);
      if (next === null) return clean(shown + (line[at] === '"' || line[at] === "'" ? rest : HIDDEN));
      shown += next[0];
      if (at === line.length) return clean(shown);
      continue;
    }
    // What follows as a comment stays out: people keep old passwords there.
    return clean(shown + withoutComment(value[0] + rest));
  }
};

/** The names that keys are made of. */
const parts = new Set(all.flatMap((key) => key.path.split('.')));

/**
 * An excerpt as it may leave this machine: the keys alone. A password under the key of a number looks like any value, and
 * what looks like a key may be one, so that a line with a name that is no key of ours does not leave at all.
 */
export const leavingExcerpt = (excerpt: string): string | undefined => {
  const keys = excerptOf(excerpt, true);
  const named = keys?.replaceAll(HIDDEN, '').match(/[^\s"{}=:+.[\]-]+/g) ?? [];
  return named.length > 0 && named.every((name) => parts.has(name)) ? keys : undefined;
};

/** True when another key that may not be shown follows on the same line, perhaps inside quotes that do not close. */
const holdsSecretKey = (rest: string): boolean =>
  [...rest.matchAll(/([A-Za-z0-9_]+)["']?\s*(?:\+=|=|:\s)/g)].some(([, name = '']) => !open.has(name));

/** A value without the comment after it. */
export const withoutComment = (value: string): string => value.replace(/\s(?:#|\/\/).*$/, '');

/** A token or key that was pasted where the path of its file belongs: the whole word goes. */
const PASTED = /[^\s"'=]*(?:eyJ[\w-]{8,}\.|[\w+-]{40,})[^\s"']*/g;
/** What can be no name of a header stands there by mistake: the user, perhaps, who is the secret of that login. */
const ODD_HEADER = /((?:\bauth"?\.|^\s*)"?key"?\s*[=:])(?!\s*["']?[A-Za-z0-9-]+["']?\s*(?:$|[,}#]|\/\/)).+/;

const clean = (text: string): string | undefined => {
  if (text.includes('-----')) return undefined;
  const hidden = text
    .replace(PASTED, HIDDEN)
    .replace(ODD_HEADER, `$1 ${HIDDEN}`)
    .replace(/\/\/.*@/g, `//${HIDDEN}@`)
    // user:password@host without a scheme, as in a host name that was pasted whole
    .replace(/[^\s"'{}=]*:[^\s"]*@/g, `${HIDDEN}@`)
    .replace(/(\/\/[^\s"?]*\?)[^\s"]+/g, `$1${HIDDEN}`)
    .trimEnd();
  return printable(shortened(hidden, 200));
};
