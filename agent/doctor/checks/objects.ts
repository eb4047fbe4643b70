import { countIn } from '#agent/qlik/repository/listing.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, errorInfo, type Fault } from '#protocol/errors.ts';
import { type Check, type Finding, fail } from '../check.ts';
import { type ChosenApp, userFilter, userNamed, type Visit } from '../visit.ts';

/** What is counted, by the name that people have for it, in the order in which it is shown. */
const KINDS: readonly (readonly [kind: string, entity: string, filter?: string])[] = [
  ['apps', 'app'],
  ['streams', 'stream'],
  ['sheets', 'app/object', "objectType eq 'sheet'"],
  ['users', 'user'],
  ['reload tasks', 'reloadtask'],
  ['data connections', 'dataconnection'],
  ['tags', 'tag'],
  ['custom properties', 'custompropertydefinition'],
  ['extensions', 'extension'],
];
/** Every site has some of these: seeing none means that a right is missing. */
const ALWAYS: ReadonlySet<string> = new Set(['streams', 'users']);
/** Counting all objects of a large site takes the repository long. */
const COUNT_MS = 30_000;
/** So many of the apps that were reloaded last are looked at for a small one. */
const LISTED = 100;
/** Roles that see everything, so that what they see is all. */
const ALL_SEEING = new Set(['RootAdmin', 'AuditAdmin']);

const REPOSITORY_LOG =
  'Look into the log of the Qlik Sense Repository Service (Repository\\Trace); lists that take it long fail when its database is slow.';

export const objects: Check<Visit, CheckId> = {
  id: 'objects',
  noun: 'seeing apps',
  needs: ['repository'],
  deadlineMs: 120_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => {
    const counts = await countAll(visit, signal);
    visit.facts.counts = counts.values;
    const details = [
      ...KINDS.map(([kind]) => {
        const value = counts.values.get(kind);
        return value === undefined
          ? `${kind}: not counted (${counts.faults.get(kind)?.code ?? '?'})`
          : `${kind}: ${value}`;
      }),
    ];
    const refusedApps = counts.faults.get('apps');
    if (refusedApps !== undefined)
      return fail(
        refusedApps.code === 'qlik.forbidden'
          ? errorInfo('qlik.nothing_visible', `The user may not read apps: ${refusedApps.message}.`)
          : refusedApps.code === 'qlik.unavailable'
            ? errorInfo(refusedApps.code, `${refusedApps.message}.`, REPOSITORY_LOG)
            : refusedApps,
        details,
      );
    const listed = await listApps(visit, signal);
    visit.facts.candidates = listed.best;
    const apps = counts.values.get('apps') ?? 0;
    const who = visit.facts.whoami ?? 'The user of this connection';
    if (apps === 0 && listed.rows === 0) return nothing(who, details);
    const total = await totalOf(visit, signal);
    const inHub = await countInHub(visit, apps, signal);
    const shown = KINDS.map(([kind]) => `${counts.values.get(kind) ?? 'no'} ${kind}`);
    return {
      status: 'pass',
      seen: `${who} sees ${shown.join(', ')} (${total}).`,
      details: [
        ...details,
        ...(inHub === undefined ? [] : [`apps that open in the hub of this virtual proxy: ${inHub}`]),
      ],
      ...noteOf(counts.values, listed.rows, apps, inHub),
    };
  },
};

const noteOf = (
  counts: ReadonlyMap<string, number | undefined>,
  rows: number,
  apps: number,
  inHub: number | undefined,
): { readonly note?: NonNullable<Extract<Finding, { status: 'pass' }>['note']> } => {
  if (rows < Math.min(apps, LISTED))
    return {
      note: {
        code: 'qlik.count_mismatch',
        advice: `The repository counts ${apps} apps and lists ${rows}: the crawl deletes nothing on such a listing; look at the security rules for apps.`,
      },
    };
  if (inHub === 0)
    return {
      note: {
        code: 'qlik.kinds_not_visible',
        advice: `The user sees ${apps} apps, and none of them in the hub: set the context of its security rule to Both in hub and QMC.`,
      },
    };
  // Data connections are a right of their own, which a later check looks at.
  const hidden = [...counts].flatMap(([kind, n]) =>
    kind !== 'data connections' && (n === undefined || (n === 0 && ALWAYS.has(kind))) ? [kind] : [],
  );
  return hidden.length === 0
    ? {}
    : {
        note: {
          code: 'qlik.kinds_not_visible',
          advice: `The user sees no ${hidden.join(', no ')}: give it the security rule that culvert doctor --rules prints.`,
        },
      };
};

const countAll = async (
  visit: Visit,
  signal: AbortSignal,
): Promise<{
  readonly values: ReadonlyMap<string, number | undefined>;
  readonly faults: ReadonlyMap<string, Fault>;
}> => {
  const values = new Map<string, number | undefined>();
  const faults = new Map<string, Fault>();
  for (const [kind, entity, filter] of KINDS) {
    const one = AbortSignal.any([signal, AbortSignal.timeout(COUNT_MS)]);
    try {
      const answer = await visit.ask(`/qrs/${entity}/count`, one, filter === undefined ? {} : { filter });
      values.set(kind, countIn(answer));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      values.set(kind, undefined);
      faults.set(kind, asFault(error, 'network.timeout'));
    }
  }
  return { values, faults };
};

const COLUMNS = ['id', 'name', 'fileSize', 'lastReloadTime'];

/** Some visible apps, best to look into first: reloaded lately, and small. */
const listApps = async (
  visit: Visit,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly best: readonly ChosenApp[] }> => {
  const answer = await visit.post(
    '/qrs/app/table',
    { skip: '0', take: String(LISTED), sortColumn: 'lastReloadTime', orderAscending: 'false' },
    { entity: 'App', columns: COLUMNS.map((name) => ({ name, columnType: 'Property', definition: name })) },
    signal,
  );
  const rows =
    typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows) ? answer.rows : [];
  const apps = rows.flatMap((row: unknown) => {
    const [id, name, size, reloaded] = Array.isArray(row) ? row : [];
    if (typeof id !== 'string' || id === '') return [];
    const at = typeof reloaded === 'string' && !reloaded.startsWith('1753-') && reloaded !== '' ? reloaded : null;
    const bytes = Number(size);
    return [
      {
        id,
        name: typeof name === 'string' ? name : id,
        lastReloadTime: at,
        bytes: Number.isFinite(bytes) && bytes > 0 ? bytes : Number.MAX_SAFE_INTEGER,
      },
    ];
  });
  // An app that was never reloaded has neither tables nor, mostly, a script.
  const best = apps
    .toSorted((a, b) => Number(a.lastReloadTime === null) - Number(b.lastReloadTime === null) || a.bytes - b.bytes)
    .map(({ id, name, lastReloadTime }) => ({ id, name, lastReloadTime }));
  return { rows: rows.length, best };
};

/** More rows than this are not fetched for a look. */
const MOST_IN_HUB = 2_000;

/** Apps that the user may open through this proxy, by the hub's own list; undefined when that is not asked or told. */
const countInHub = async (visit: Visit, apps: number, signal: AbortSignal): Promise<number | undefined> => {
  if (visit.direct || apps > MOST_IN_HUB) return undefined;
  try {
    const rows = await visit.ask('/qrs/app/hublist', signal);
    return Array.isArray(rows) ? rows.length : undefined;
  } catch {
    if (signal.aborted) throw signal.reason;
    return undefined;
  }
};

/** The rows of the repository that stand for the user itself; undefined when that cannot be known. */
const ownRoles = async (visit: Visit, signal: AbortSignal): Promise<readonly string[] | undefined> => {
  const own = userNamed(visit.facts.whoami);
  if (own === undefined) return undefined;
  try {
    const rows = await visit.ask('/qrs/user/full', signal, { filter: userFilter(own.directory, own.id) });
    if (!Array.isArray(rows) || rows.length === 0) return undefined;
    const roles = (rows[0] as { roles?: unknown }).roles;
    return Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : [];
  } catch {
    if (signal.aborted) throw signal.reason;
    return undefined;
  }
};

/** What the figures mean: QRS counts what the user may read, so that only an all-seeing user knows the total. */
const totalOf = async (visit: Visit, signal: AbortSignal): Promise<string> => {
  const role = (await ownRoles(visit, signal))?.find((one) => ALL_SEEING.has(one));
  return role === undefined ? 'what its rights show; the total is in the QMC' : `as ${role} all there is`;
};

const nothing = (who: string, details: readonly string[]): Finding =>
  fail(
    errorInfo(
      'qlik.nothing_visible',
      `${who} is logged in and sees no apps at all: a crawl would find an empty site.`,
      'In the QMC, Security rules, give the user the rule that culvert doctor --rules prints: read on streams and apps at the least.',
    ),
    details,
  );
