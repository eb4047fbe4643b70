import type { AssetKind } from '#protocol/records.ts';
import type { FindingCode } from './finding-codes.ts';

export type Facts = Readonly<Record<string, unknown>>;

const KINDS: Partial<Record<AssetKind, string>> = {
  chartDimension: 'chart dimension',
  chartMeasure: 'chart measure',
  masterDimension: 'master dimension',
  masterMeasure: 'master measure',
  masterVisualization: 'master visualization',
  scriptSection: 'script section',
};

/** What kind of credential stands somewhere, by the words of the agent's rules. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  privateKey: 'a private key',
  header: 'an HTTP header that logs in',
  password: 'a password',
  token: 'a token',
  address: 'an address with a password in it',
  cloudKey: 'a key of a cloud service',
  scrambled: 'a scrambled password, which can be unscrambled',
};

const ENDINGS: Readonly<Record<string, string>> = {
  finishedFail: 'failed',
  error: 'ended with an error',
  aborted: 'was aborted',
};

const OUT: Readonly<Record<string, string>> = {
  removedExternally: 'was removed from its user directory',
  inactive: 'is inactive',
  blacklisted: 'is barred',
};

const quoted = (text: unknown): string => `“${String(text ?? '')}”`;
const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text);
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const list = (value: unknown): readonly Facts[] => (Array.isArray(value) ? (value as readonly Facts[]) : []);

/** The first few, and how many more. */
const enumerated = (items: readonly string[], count: number): string => {
  const shown = items.slice(0, 3);
  const more = count - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(' and ');
};

const owner = (facts: Facts): string => {
  const { name, account } = (facts['owner'] ?? {}) as Facts;
  return name === undefined && account === undefined
    ? 'its owner'
    : `its owner, ${quoted(name ?? account)}${name === undefined || account === undefined ? '' : ` (${account})`},`;
};

const credential = (kind: AssetKind, facts: Facts): string => {
  const from = Number(facts['from'] ?? 1);
  const places = list(facts['places']).map(({ line, kind: what }) => {
    const found = CREDENTIALS[String(what)] ?? 'a credential';
    return kind === 'variable' || typeof line !== 'number' ? found : `${found} in line ${from + line - 1}`;
  });
  return enumerated(places, number(facts['count']));
};

/** One sentence for people about a finding: what it is, and what follows where that is not plain. */
export const sentence = (code: FindingCode, kind: AssetKind, assetName: string, facts: Facts): string => {
  const name = assetName.trim() === '' ? '' : ` ${quoted(cut(assetName))}`;
  const it = `The ${KINDS[kind] ?? kind}${name}`;
  switch (code) {
    case 'credential.in_clear':
      return `${it} holds ${credential(kind, facts)}. Everybody who may read the script can see it.`;
    case 'reload.failed': {
      const [task, ...others] = list(facts['tasks']);
      const more = number(facts['count']) - 1;
      const rest = others.length === 0 ? '' : `; so did ${more} more of its tasks`;
      return `${it} has old data: its task ${quoted(task?.['name'])} ${ENDINGS[String(task?.['status'])] ?? 'failed'}${rest}.`;
    }
    case 'reload.overdue': {
      const every =
        facts['interval'] === undefined ? facts['every'] : `every ${facts['interval']}`.replace(/^every 1 /, 'every ');
      return `${it} was last reloaded on ${String(facts['reloaded']).slice(0, 10)}, but its task ${quoted(facts['taskName'])} should do so ${every}.`;
    }
    case 'reload.never':
      return `${it} was never reloaded: it has no data.`;
    case 'field.missing': {
      const fields = (Array.isArray(facts['fields']) ? facts['fields'] : []).map((field) => quoted(cut(String(field))));
      const count = number(facts['count']);
      return `${it} names ${count === 1 ? 'a field' : 'fields'} that the app does not have: ${enumerated(fields, count)}.`;
    }
    case 'measure.two_formulas': {
      const apps = number(facts['apps']);
      return `The measure ${quoted(cut(String(facts['name'])))} is calculated in ${number(facts['count'])} different ways in ${apps === 1 ? 'one app' : `${apps} apps`}.`;
    }
    case 'owner.none':
      return `${it} has no owner.`;
    case 'owner.inactive':
      return `${it} has an owner who cannot log in: ${owner(facts)} ${OUT[String(facts['why'])] ?? 'is inactive'}.`;
    case 'owner.unknown':
      return `${it} belongs to somebody who is not among the users of the site: ${owner(facts)} was deleted, or the crawl may not see them.`;
    case 'master_item.unused':
      return `${it} is used by no chart and no other master item that the crawl can see.`;
    default:
      return code satisfies never;
  }
};
