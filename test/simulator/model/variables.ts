import type { Random } from './random.ts';
import type { App, Variable } from './types.ts';

const RESERVED: readonly [string, string][] = [
  ['ThousandSep', '.'],
  ['DecimalSep', ','],
  ['MoneyThousandSep', '.'],
  ['MoneyDecimalSep', ','],
  ['MoneyFormat', '#.##0,00 €;-#.##0,00 €'],
  ['TimeFormat', 'hh:mm:ss'],
  ['DateFormat', 'DD.MM.YYYY'],
  ['TimestampFormat', 'DD.MM.YYYY hh:mm:ss[.fff]'],
  ['MonthNames', 'Jan;Feb;Mrz;Apr;Mai;Jun;Jul;Aug;Sep;Okt;Nov;Dez'],
  ['DayNames', 'Mo;Di;Mi;Do;Fr;Sa;So'],
  ['CollationLocale', 'de-DE'],
];

const CONFIG: readonly [string, string][] = [
  ['ErrorMode', '1'],
  ['OpenUrlTimeout', '86400'],
  ['StripComments', '1'],
  ['Verbatim', '0'],
];

const SCRIPTED: readonly [string, string, string][] = [
  ['vCurrentYear', '2025', '2025'],
  // What LET left when the script ran: no formula any more.
  ['vToday', '03.11.2025', '03.11.2025'],
  ['vQvdPath', 'lib://QVD/1_extract/', 'lib://QVD/1_extract/'],
  ['vMargin', '($1 - $2) / $1', '($1 - $2) / $1'],
  ["v'quoted; name", '1', '1'],
];

const USER_MADE: readonly [string, string, string][] = [
  ['vTop', '10', '10'],
  ['vMax', '=Max(TOTAL Amount)', '4711,5'],
  ['vCurrency', "=If(GetSelectedCount(Country) = 1, Only(Currency), 'EUR')", 'EUR'],
  ['vTitle', "='Sales of ' & $(vCurrentYear)", 'Sales of 2025'],
  ['vBookmark', '', ''],
  ['vÜberschrift 📈', '=1+1', '2'],
];

/** Variables of an app: reserved and config ones that every app has, those of the script, those that people made. */
export const variablesOf = (
  random: Random,
  app: App,
  { seed, appId }: { seed: number; appId: string },
  nextId: () => string,
  ofScript: readonly { readonly name: string; readonly value: string }[],
): readonly Variable[] => {
  const variable = (name: string, definition: string, value: string, flags: Partial<Variable>): Variable => ({
    qId: nextId(),
    name,
    definition,
    comment: random.chance(0.1) ? `Comment on ${name}; "why"` : '',
    isScriptCreated: false,
    isReserved: false,
    isConfig: false,
    tags: random.chance(0.05) ? ['kpi'] : [],
    value,
    ...flags,
  });
  return [
    ...RESERVED.map(([name, value]) => variable(name, value, value, { isReserved: true, isScriptCreated: true })),
    ...CONFIG.map(([name, value]) => variable(name, value, value, { isConfig: true })),
    ...(app.lastReloadTime === null
      ? []
      : SCRIPTED.filter(() => random.chance(0.7)).map(([name, definition, value]) =>
          variable(name, definition, value, { isScriptCreated: true }),
        )),
    ...USER_MADE.filter(() => random.chance(0.5)).map(([name, definition, value]) =>
      variable(name, definition, value, {}),
    ),
    ...(random.chance(0.15)
      ? [
          variable('vConnect', `Provider=X;Password=canary-variable-${seed}-${appId.slice(0, 8)}`, '', {
            isScriptCreated: true,
          }),
        ]
      : []),
    ...(app.lastReloadTime === null
      ? []
      : ofScript.map(({ name, value }) => variable(name, value, value, { isScriptCreated: true }))),
  ];
};
