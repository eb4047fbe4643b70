import type { FindingCode } from '#catalog/store/finding-codes.ts';
import type { Fragment, Transaction } from '#catalog/store/sql.ts';
import { type Judged, listOf, MOST_CHARACTERS, MOST_MEMBERS, putFindings } from './findings.ts';
import { LISTS_APPS } from './published-scopes.ts';

/** Names with several formulas that a connection is shown, those with the most formulas first. */
const MOST_NAMES = 2_000;
const MOST_USES = 10;
/** What of a schedule a late reload is measured by. */
const DAY_SECONDS = 86_400;

/**
 * Judges what several scopes tell together, when a crawl ends: reloads and their tasks, owners, measures of the same name
 * throughout the connection. Drops what is found about assets that are not there any more.
 *
 * @param measures whether measures may have changed
 */
export const judgeSite = async (
  tx: Transaction,
  judged: Judged,
  { measures }: { readonly measures: boolean },
): Promise<void> => {
  const { organisationId, connection } = judged;
  await judgeReloads(tx, judged);
  await judgeOwners(tx, judged);
  if (measures) await judgeMeasures(tx, judged);
  await tx`delete from finding f where f.organisation_id = ${organisationId} and f.connection = ${connection}
    and not exists (select from asset a where a.organisation_id = f.organisation_id and a.key = f.key
      and a.scope_id = f.scope_id and a.gone_at is null)`;
};

/** Which findings of the connection are asked about. */
const asked = (tx: Transaction, { connection }: Judged, codes: readonly FindingCode[]) =>
  tx`f.connection = ${connection} and f.code = any(${tx.array([...codes])}::text[])`;

/**
 * The asset with a key. In this form it is looked up by its key whatever the planner believes: before it has statistics it
 * takes every kind for rare, and would go through all apps for each task.
 */
const assetOf = (tx: Transaction, { organisationId }: Judged, key: Fragment): Fragment =>
  tx`(select one.* from asset one where one.organisation_id = ${organisationId} and one.key = ${key}
    order by one.scope_id limit 1)`;

/** So many seconds ago, as the repository writes times: texts are compared, since a bad one must not end the publish. */
const ago = (tx: Transaction, seconds: Fragment) =>
  tx`to_char((now() at time zone 'UTC') - make_interval(secs => ${seconds}), 'YYYY-MM-DD"T"HH24:MI:SS') collate "C"`;

/**
 * Apps that were never reloaded, whose newest reload by a task failed, or whose data is older than a schedule promises. An
 * app is late when two reloads in a row and a day more went by without one; where the schedule leaves out days, a week more.
 */
const judgeReloads = async (tx: Transaction, judged: Judged): Promise<void> => {
  const { organisationId, connection } = judged;
  const part = (unit: string, seconds: number) =>
    tx`coalesce((regexp_match(t.schedule ->> 'interval', ${`(\\d{1,4}) ${unit}`}))[1]::bigint, 0) * ${seconds}::int`;
  const found = tx`
    with app as materialized (
      select a.scope_id, a.key, a.attributes ->> 'lastReload' collate "C" as reloaded from asset a
      where a.organisation_id = ${organisationId} and a.connection = ${connection} and a.kind = 'app' and a.gone_at is null
    ), task as materialized (
      select a.scope_id, a.key as app, a.attributes ->> 'lastReload' collate "C" as reloaded, t.key, t.name, t.attributes
      from asset t cross join lateral ${assetOf(tx, judged, tx`t.attributes ->> 'app'`)} a
      where a.kind = 'app' and a.connection = ${connection} and a.gone_at is null
        and t.organisation_id = ${organisationId} and t.connection = ${connection} and t.kind = 'reloadTask'
        and t.gone_at is null and t.attributes -> 'enabled' = 'true'
    ), scheduled as (
      select t.scope_id, t.app, t.reloaded, t.key, t.name, s.schedule from task t,
        jsonb_array_elements(${listOf(tx, tx`t.attributes`, 'triggers')}) s(schedule)
      where s.schedule ->> 'kind' = 'schedule' and s.schedule -> 'enabled' = 'true'
        and coalesce(s.schedule ->> 'starts', '') collate "C" < ${ago(tx, tx`0`)}
        and coalesce(s.schedule ->> 'ends', '9') collate "C" > ${ago(tx, tx`0`)}
    ), period as (
      select t.*, coalesce(nullif(${part('week', 7 * DAY_SECONDS)} + ${part('day', DAY_SECONDS)} + ${part('hour', 3_600)}
        + ${part('minute', 60)}, 0), case t.schedule ->> 'every' when 'hourly' then 3600 when 'daily' then ${DAY_SECONDS}
        when 'weekly' then ${7 * DAY_SECONDS} when 'monthly' then ${31 * DAY_SECONDS} end) as seconds
      from scheduled t where t.schedule ->> 'every' is distinct from 'once'
    ), late as (
      select distinct on (scope_id, app) * from period
      where seconds is not null and reloaded < ${ago(
        tx,
        tx`least(2 * seconds + ${DAY_SECONDS} + case when schedule ? 'filter' then ${7 * DAY_SECONDS} else 0 end,
          ${1_000 * DAY_SECONDS})`,
      )}
      order by scope_id, app, seconds, key
    )
    select scope_id, 'reload.never' as code, key, '' as detail, null::bigint[] as apps, '{}'::jsonb as facts
    from app where reloaded is null
    union all
    select scope_id, 'reload.failed', app, '', null, jsonb_build_object('count', count(*),
      'tasks', to_jsonb((array_agg(jsonb_strip_nulls(jsonb_build_object('key', key, 'name', left(name, ${MOST_CHARACTERS}),
        'status', attributes -> 'lastStatus', 'stopped', attributes -> 'lastStopped',
        'message', left(attributes ->> 'lastMessage', ${MOST_CHARACTERS}))) order by key))[1:${MOST_MEMBERS}]))
    from task where attributes ->> 'lastStatus' in ('finishedFail', 'error', 'aborted')
      -- Whoever reloaded it since then mended it.
      and (reloaded is null or attributes ->> 'lastStopped' is null or reloaded < attributes ->> 'lastStopped' collate "C")
    group by scope_id, app
    union all
    select scope_id, 'reload.overdue', app, '', null, jsonb_strip_nulls(jsonb_build_object('reloaded', reloaded,
      'task', key, 'taskName', left(name, ${MOST_CHARACTERS}), 'every', schedule -> 'every',
      'interval', schedule -> 'interval'))
    from late`;
  const codes = ['reload.never', 'reload.failed', 'reload.overdue'] as const;
  await putFindings(tx, judged, found, asked(tx, judged, codes));
};

/** Apps and sheets whose owner cannot log in any more, or is not among the users where all of them were listed. */
const judgeOwners = async (tx: Transaction, judged: Judged): Promise<void> => {
  const { organisationId, connection } = judged;
  // Attributes that a user has only when they are so.
  const states = tx`array['removedExternally', 'inactive', 'blacklisted']`;
  const found = tx`
    with site as materialized (
      select s.key, s.outcome = any(${tx.array([...LISTS_APPS])}::text[]) and exists (select from asset u
        where u.organisation_id = s.organisation_id and u.scope_id = s.id and u.kind = 'user' and u.gone_at is null) as whole
      from scope s where s.organisation_id = ${organisationId} and s.connection = ${connection} and s.kind = 'site'
    ), owned as materialized (
      select a.scope_id, a.key, a.attributes -> 'owner' as owner, s.key || '/user/' || (a.attributes #>> '{owner,id}') as person,
        s.whole
      from asset a cross join site s
      where a.organisation_id = ${organisationId} and a.connection = ${connection} and a.kind in ('app', 'sheet')
        and a.gone_at is null and a.attributes #>> '{owner,id}' ~ '^[A-Za-z0-9._-]{1,64}$'
    ), person as materialized (
      select u.key, u.attributes ?| ${states} as is_out
      from asset u where u.organisation_id = ${organisationId} and u.connection = ${connection} and u.kind = 'user'
        and u.gone_at is null
    ), facts as (
      select o.*, jsonb_strip_nulls(jsonb_build_object('owner', jsonb_build_object(
        'name', left(o.owner ->> 'name', ${MOST_CHARACTERS}), 'account', left(o.owner ->> 'account', ${MOST_CHARACTERS})))) as named
      from owned o where (o.person in (select key from person where not is_out)) is not true
    )
    select scope_id, 'owner.unknown' as code, key, '' as detail, null::bigint[] as apps, named as facts from facts
    where whole and person not in (select key from person)
    union all
    select f.scope_id, 'owner.inactive', f.key, '', null, f.named || jsonb_build_object('user', p.key,
      'why', (select why from unnest(${states}) why where p.attributes ? why limit 1))
    from facts f cross join lateral ${assetOf(tx, judged, tx`f.person`)} p
    where p.kind = 'user' and p.gone_at is null`;
  await putFindings(tx, judged, found, asked(tx, judged, ['owner.unknown', 'owner.inactive']));
};

/** Texts in quotes of each kind, which stay as they are; comments and blanks, which do not count. What is left open ends with the text. */
const NOT_COUNTED = String.raw`('(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\[(?:[^\]]|\]\])*(?:\]|$)|${'`'}[^${'`'}]*(?:${'`'}|$))|//[^\n\r]*|/\*(?:[^*]|\*+[^*/])*(?:\*+/|\**$)|\s+`;

/** Master measures and measures of charts that are called the same and are not calculated the same. */
const judgeMeasures = async (tx: Transaction, judged: Judged): Promise<void> => {
  const { organisationId, connection } = judged;
  // `is true` keeps the planner from a join: it would not know how many there are.
  const found = tx`
    with site as (
      select s.id, s.key from scope s
      where s.organisation_id = ${organisationId} and s.connection = ${connection} and s.kind = 'site' limit 1
    ), measure as materialized (
      select a.scope_id, a.key, a.kind, a.parent, btrim(case a.kind when 'masterMeasure' then a.name
        else a.attributes ->> 'label' end) as label, a.attributes ->> 'expression' as expression
      from asset a where a.organisation_id = ${organisationId} and a.connection = ${connection}
        and a.kind in ('masterMeasure', 'chartMeasure') and a.gone_at is null and a.attributes ? 'expression'
        and (a.kind = 'masterMeasure' or (a.attributes ? 'label' and not a.attributes ?| array['libraryId', 'labelIsExpression']))
    ), several as materialized (
      select label from measure where label <> '' group by label
      having min(expression collate "C") <> max(expression collate "C")
    ), formula as materialized (
      select label, md5(ltrim(regexp_replace(expression, ${NOT_COUNTED}, '\\1', 'g'), '=')) as formula,
        scope_id, key, kind, parent, expression
      from measure where (label in (select label from several)) is true
    ), grouped as materialized (
      select label, formula, min(expression collate "C") as shown, count(*) as measures, count(distinct scope_id) as apps,
        array_agg(distinct scope_id) as scopes,
        (array_agg(jsonb_build_object('key', key, 'kind', kind, 'parent', parent, 'scope', scope_id)
          order by kind desc, key))[1:${MOST_USES}] as uses
      from formula group by label, formula
    ), shown as materialized (
      select *, count(*) over (partition by label) as formulas,
        row_number() over (partition by label order by measures desc, formula) as place from grouped
    ), named as materialized (
      select label, formulas from shown where formulas > 1 and place = 1 order by formulas desc, label limit ${MOST_NAMES}
    ), told as materialized (
      select s.label, jsonb_agg(jsonb_build_object('formula', left(s.shown, 4 * ${MOST_CHARACTERS}), 'measures', s.measures, 'apps', s.apps,
        'uses', (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('key', u.one ->> 'key', 'kind', u.one ->> 'kind', 'app', o.key,
            'appName', left(o.name, ${MOST_CHARACTERS}), 'chart', left(nullif(c.name, ''), ${MOST_CHARACTERS}))) order by u.at)
          from unnest(s.uses) with ordinality u(one, at)
            join scope o on o.organisation_id = ${organisationId} and o.id = (u.one ->> 'scope')::bigint
            left join lateral ${assetOf(tx, judged, tx`u.one ->> 'parent'`)} c on c.kind in ('chart', 'masterVisualization')))
        order by s.place) filter (where s.place <= ${MOST_MEMBERS}) as list
      from shown s where (s.label in (select label from named)) is true group by s.label
    ), concerned as materialized (
      select label, array_agg(distinct one order by one) as scopes, max(formulas) as formulas
      from shown, unnest(scopes) one where (label in (select label from named)) is true group by label
    )
    select i.id as scope_id, 'measure.two_formulas' as code, i.key, md5(t.label) as detail, c.scopes as apps,
      jsonb_build_object('name', left(t.label, ${MOST_CHARACTERS}), 'count', c.formulas,
        'apps', cardinality(c.scopes), 'formulas', t.list) as facts
    from told t join concerned c on c.label = t.label cross join site i`;
  await putFindings(tx, judged, found, asked(tx, judged, ['measure.two_formulas']));
};
