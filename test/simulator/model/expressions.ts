import type { DataModel } from './data-model.ts';
import type { Random } from './random.ts';

/** A name as chart expressions and scripts quote it: bare when the grammar allows it, else in brackets. */
export const quoted = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `[${name.replaceAll(']', ']]')}]`;

const text = (random: Random, model: DataModel): string =>
  quoted(random.pick(model.texts.length > 0 ? model.texts : ['Name']));
const number = (random: Random, model: DataModel): string =>
  quoted(random.pick(model.numbers.length > 0 ? model.numbers : ['Value']));
const date = (random: Random, model: DataModel): string =>
  quoted(random.pick(model.dates.length > 0 ? model.dates : ['Date']));

/** Today's year by a calendar, where the app has one, else by a date of its own. */
const thisYear = ({ texts, dates }: DataModel): string =>
  texts.includes('Year') ? 'Year={$(vCurrentYear)}' : `${quoted(dates[0] ?? texts[0] ?? 'Date')}={"*$(vCurrentYear)*"}`;
const flag = ({ flags, texts }: DataModel): string => quoted(flags[0] ?? texts[0] ?? 'Name');

type Writer = (random: Random, model: DataModel) => string;

const MEASURES: readonly Writer[] = [
  (r, m) => `Sum(${number(r, m)})`,
  (r, m) => `Sum(${number(r, m)})`,
  (r, m) => `Avg(${number(r, m)})`,
  (r, m) => `Count(DISTINCT ${text(r, m)})`,
  (r, m) => `=Sum({<${thisYear(m)}>} ${number(r, m)})`,
  (r, m) =>
    `Sum({$<${text(r, m)}={'A*','B'}, ${date(r, m)}={">=$(=Date(YearStart(Today())))<=$(=Date(Today()))"}>} ${number(r, m)})`,
  (r, m) => `Sum(${number(r, m)}) / Sum(TOTAL <${text(r, m)}> ${number(r, m)})`,
  (r, m) => `Sum(${number(r, m)}) / Sum(TOTAL ${number(r, m)})`,
  (r, m) => `Sum(Aggr(Max(${number(r, m)}), ${text(r, m)}, (${date(r, m)}, (NUMERIC, ASCENDING))))`,
  (r, m) => `$(vMargin(Sum(${number(r, m)}), Sum(${number(r, m)})))`,
  (r, m) => `Sum({1-$<${text(r, m)}=P({<${text(r, m)}={'x'}>} ${text(r, m)})>} ${number(r, m)})`,
  (r, m) => `If(GetSelectedCount(${text(r, m)}) > 0, Sum(${number(r, m)}), Null())`,
  (r, m) => `RangeSum(Above(Sum(${number(r, m)}), 0, RowNo()))`,
  (r, m) => `Num(Sum({BM01*<${text(r, m)}-={'n/a'}>} ${number(r, m)}), '#,##0.00 €')`,
  (r, m) => `// total; without returns\nSum({<${flag(m)}={0}>} ${number(r, m)}) /* 'quoted' "text" */`,
  (r, m) => `Only({<${text(r, m)}={"=Sum(${number(r, m)}) > 100"}>} ${text(r, m)})`,
];

/** An aggregation as people write them: set analysis, Aggr, TOTAL, dollar expansions. */
export const measureExpression: Writer = (random, model) => random.pick(MEASURES)(random, model);

const CALCULATED: readonly Writer[] = [
  (r, m) => `=Year(${date(r, m)}) & '-' & Month(${date(r, m)})`,
  (r, m) => `=Aggr(If(Rank(Sum(${number(r, m)})) <= $(vTop), ${text(r, m)}, 'Others'), ${text(r, m)})`,
  (r, m) => `=Class(${number(r, m)}, 100)`,
  (r, m) => `=If(Match(${text(r, m)}, 'A', 'B'), ${text(r, m)}, 'rest; of it')`,
  (r, m) => `=$(='[' & Concat(DISTINCT ${text(r, m)}, '],[') & ']')`,
];

/** A dimension: mostly a field, now and then calculated. */
export const dimensionExpression: Writer = (random, model) =>
  random.chance(0.15)
    ? random.pick(CALCULATED)(random, model)
    : random.chance(0.2)
      ? date(random, model)
      : text(random, model);

/** A title: mostly text; as an expression it has the engine's `qStringExpression` shape. */
export const titleOf = (
  random: Random,
  model: DataModel,
  plain: string,
): string | { qStringExpression: { qExpr: string } } =>
  random.chance(0.12)
    ? {
        qStringExpression: {
          qExpr: `='${plain.replaceAll("'", "''")}: ' & ${measureExpression(random, model).replace(/^=/, '')}`,
        },
      }
    : plain;
