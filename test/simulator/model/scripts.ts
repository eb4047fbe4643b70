import type { DataModel } from './data-model.ts';
import { quoted } from './expressions.ts';
import { type Random, randomOf } from './random.ts';
import { SCRIPT_IDIOMS } from './script-idioms.ts';
import { commonLoads, EOL, lines, loadOf, storesOf } from './script-loads.ts';
import { includePathOf, joinKeyOf, type ScriptPlan, variablesText } from './script-plan.ts';
import type { App } from './types.ts';
import type { World } from './world.ts';

interface Section {
  readonly name: string;
  readonly text: string;
}

const SETTINGS = lines(
  "SET ThousandSep='.';",
  "SET DecimalSep=',';",
  "SET MoneyFormat='#.##0,00 €;-#.##0,00 €';",
  "SET DateFormat='DD.MM.YYYY';",
  "SET MonthNames='Jan;Feb;Mrz;Apr;Mai;Jun;Jul;Aug;Sep;Okt;Nov;Dez';",
);

const SCRIPT_VARIABLES = lines(
  'LET vToday = Today();',
  'SET vCurrentYear = 2025;',
  "SET vQvdPath = 'lib://QVD/1_extract/';",
  'SET vMargin = ($1 - $2) / $1;',
  'REM a remark: LOAD nothing from here;',
);

/** A mapping load with its use, and a left join from a QVD that another app writes. */
const transformOf = (model: DataModel, { joined, library }: ScriptPlan): string => {
  const [first] = model.tables;
  const key = first === undefined ? undefined : joinKeyOf(first);
  if (first === undefined || key === undefined || joined === undefined) return "TRACE nothing to transform, it's fine;";
  return lines(
    'CountryMap:',
    'MAPPING LOAD Code, Name INLINE [',
    'Code, Name',
    'DE, Deutschland',
    'FR, France',
    '];',
    '',
    `LEFT JOIN (${quoted(first.name)})`,
    `LOAD ${quoted(key)}, ApplyMap('CountryMap', Left(${quoted(key)}, 2), 'n/a') AS ${quoted(first.joined?.name ?? 'Land')}`,
    `FROM [${joined.path}] (qvd);`,
    '',
    `FOR EACH vFile IN FileList('lib://${library}/delta/*.qvd')`,
    `    TRACE file $(vFile);`,
    'NEXT vFile',
  );
};

const sectionAccess = (random: Random, world: World, app: App): string =>
  lines(
    'SECTION ACCESS;',
    'LOAD * INLINE [',
    'ACCESS, USERID, GROUP, REDUCTION',
    'ADMIN, INTERNAL\\SA_SCHEDULER, *, *',
    ...(app.admitted ?? []).map((name) => `USER, ${name}, *, ${random.pick(['DE', 'FR', '*'])}`),
    `USER, CORP\\canary-section-access-${world.seed}, *, secret region`,
    '];',
    'SECTION APPLICATION;',
  );

const join = (random: Random, sections: readonly Section[]): string => {
  const style = random.weighted({ tabs: 80, preface: 8, blankPreface: 6, single: 6 });
  if (style === 'single') return sections.map((section) => section.text).join(`${EOL}${EOL}`);
  const body = sections.map(({ name, text }) => `///$tab ${name}${EOL}${text}`).join(`${EOL}${EOL}`);
  if (style === 'preface') return `// generated header; do not edit${EOL}SET vHeader = 1;${EOL}${body}`;
  return style === 'blankPreface' ? `${EOL}  ${EOL}${body}` : body;
};

const isQvd = ({ table }: ScriptPlan['loads'][number]): boolean => table.source.kind === 'qvd';

/**
 * The load script: it loads exactly the tables of the data model, from the sources named there. Apps that were never
 * reloaded have the default script or none.
 */
export const scriptOf = (world: World, app: App, model: DataModel, plan: ScriptPlan): string => {
  const random = randomOf(world.seed, 'script', app.id);
  if (app.lastReloadTime === null) {
    const [blank, fresh] = [random.chance(0.4), `///$tab Main${EOL}${SETTINGS}${EOL}`];
    return blank ? random.pick(['', `${EOL}  `]) : fresh;
  }
  const folder = plan.library;
  const whole = binaryOf(random, model);
  const sections: Section[] = [
    { name: 'Main', text: whole === undefined ? SETTINGS : lines(whole, '', SETTINGS) },
    { name: random.pick(['Variables', 'Variablen & Pfade', 'Config; paths']), text: SCRIPT_VARIABLES },
  ];
  const { renamed } = model;
  if (renamed !== undefined)
    sections.push({ name: 'Names', text: `RENAME FIELD ${quoted(renamed.from)} TO ${quoted(renamed.to)};` });
  if (app.sectionAccess) sections.push({ name: 'Section Access', text: sectionAccess(random, world, app) });
  if (random.chance(0.15))
    sections.push({ name: 'Include', text: `$(Must_Include=lib://${folder}/scripts/common.qvs);` });
  if (random.chance(0.12)) {
    sections.push({
      name: 'Connect',
      text: `LET vToken = 'canary-script-${world.seed}-${app.id.slice(0, 8)}';${EOL}OLEDB CONNECT TO [Provider=X;User ID=u;Password=canary-script-connect-${world.seed}];`,
    });
  }
  if (plan.style === 'include') sections.push({ name: 'Paths', text: `$(Must_Include=[${includePathOf(plan)}]);` });
  else if (plan.variables.length > 0) sections.push({ name: 'Paths', text: variablesText(plan, EOL) });
  const together = plan.style === 'sub' || plan.style === 'loop';
  if (together && plan.loads.some(isQvd)) sections.push({ name: 'QVD', text: commonLoads(plan) });
  for (const load of plan.loads)
    if (load.table.source.kind !== 'binary' && (!together || !isQvd(load)))
      sections.push({ name: load.table.name, text: loadOf(random, load) });
  if (model.transforms)
    sections.push({ name: random.pick(['Transform', 'Main', '📦 Mapping']), text: transformOf(model, plan) });
  for (const idiom of random.sample(SCRIPT_IDIOMS, random.chance(0.35) ? random.int(1, 3) : 0)) {
    sections.push({ name: idiom.name, text: lines(...idiom.lines).replaceAll('{path}', `lib://${folder}`) });
  }
  const stores = storesOf(plan);
  if (stores !== '') sections.push({ name: 'Store', text: stores });
  if (random.chance(0.2)) sections.push({ name: 'Exit', text: 'EXIT SCRIPT;' });
  if (random.chance(0.1))
    sections.push({ name: 'Archive', text: `/* old; kept${EOL}LOAD * FROM [lib://gone/x.qvd] (qvd); */` });
  const text = join(random, sections);
  // Whatever else stands there, BINARY comes first.
  return whole === undefined || text.startsWith('///$tab') ? text : `${whole}${EOL}${text.replace(whole, '')}`;
};

/** The statement that loads another app whole. */
const binaryOf = (random: Random, { tables }: DataModel): string | undefined => {
  for (const { source } of tables)
    if (source.kind === 'binary')
      return source.path.includes('/') && random.chance(0.8) ? `BINARY [${source.path}];` : `Binary "${source.path}";`;
  return undefined;
};
