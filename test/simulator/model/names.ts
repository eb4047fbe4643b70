import type { Random } from './random.ts';

/** Names as people give them, and the ones that break programs. */
const UNITS = [
  'EMEA',
  'DACH',
  'Nordics',
  'Iberia',
  'UK & Ireland',
  'France',
  'Italia',
  'Benelux',
  'APAC',
  'Japan',
  'LATAM',
  'North America',
  'Group',
  'Retail',
  'Wholesale',
  'Online',
  'Services',
  'Österreich',
  'México',
  'Česko',
] as const;

const DOCUMENTS = [
  'Dashboard',
  'Overview',
  'Analysis',
  'Cockpit',
  'Report',
  'KPIs',
  'Monthly Review',
  'Forecast',
  'Explorer',
  'Scorecard',
  'Extract',
  'Transform',
  'Planning',
  'Controlling',
  'Self Service',
] as const;

export const STREAM_NAMES = [
  'Finance',
  'Sales',
  'Supply Chain',
  'Human Resources',
  'Production',
  'Customer Service',
  'Marketing',
  'IT Operations',
  'Board',
  'Controlling & Planning',
  'Quality',
  'Vertrieb Süd',
  'Recherche/Développement',
  'Test (do not use)',
  '100% Green',
  "Chef's Corner",
  'Årsrapporter',
  'データ分析',
  'تقارير المبيعات',
] as const;

export const FIRST_NAMES = [
  'Anna',
  'Björn',
  'Chiara',
  'David',
  'Élodie',
  'Fatima',
  'Giorgos',
  'Hanna',
  'Igor',
  'Jürgen',
  'Kenji',
  'Lucía',
  'Mateusz',
  'Noor',
  'Oisín',
  'Priya',
  'Quentin',
  'Rosa',
  'Søren',
  'Tomáš',
  'Uma',
  'Vera',
  'Wei',
  'Ximena',
  'Yusuf',
  'Zoë',
] as const;

export const LAST_NAMES = [
  'Müller',
  "O'Brien",
  'Rossi',
  'Larsen',
  'García',
  'Novák',
  'Papadopoulos',
  'Smith',
  'Tanaka',
  'Kowalski',
  'Dubois',
  'Öztürk',
  'Van der Berg',
  'Singh',
  'Иванова',
  'Nguyễn',
  'Costa',
  'Haddad',
] as const;

/** Over 200 bytes in UTF-8, with a beginning that two of them share. */
const longName = (tail: string): string =>
  `Konsolidierte Auswertung der Deckungsbeiträge über alle Vertriebsregionen, Produktgruppen und Kundensegmente einschließlich Rückstellungen, Wechselkurseffekten und Überleitungsrechnung für den Jahresabschluß – ${tail}`;

/** One name for each kind of trouble. No control characters but those that Qlik lets through in titles. */
export const ODD_NAMES = [
  `Sales "final" & 'approved'`,
  "L'année dernière; l'an prochain",
  'Umsatz; Menge; Preis',
  '🚀 Rocket launch 📊',
  'تقرير المبيعات الشهري',
  'דוח מכירות \u202b2025\u202c',
  'Plan/Ist/Abweichung',
  '100 % of target %41 %2F',
  '..\\..\\back\\slash',
  '<script>alert(1)</script>',
  '売上ダッシュボード',
  'Ünïcödé e\u0301 decomposed',
  ' leading and trailing blank ',
  'tilde~2 and #hash?query=1',
  longName('Fassung A'),
  longName('Fassung B'),
  '👩‍👩‍👧‍👦 Family & 🇺🇳',
  '$(vTitle) [draft]',
] as const;

/** What an object may be called, now and then oddly; empty only when `mayBeEmpty`. */
export const oddly = (random: Random, plain: string, probability: number, mayBeEmpty = false): string => {
  if (!random.chance(probability)) return plain;
  return mayBeEmpty && random.chance(0.2) ? '' : random.pick(ODD_NAMES);
};

export const documentName = (random: Random, subject: string): string => {
  const name = `${subject} ${random.pick(DOCUMENTS)}`;
  if (random.chance(0.6)) return `${name} ${random.pick(UNITS)}`;
  return random.chance(0.15) ? `${name} (${random.int(1, 3)})` : name;
};

const DESCRIPTIONS = [
  'Refreshed every morning at 05:00.',
  'Owner: controlling. Ask before you change a measure.',
  'Work in progress',
  'Zahlen gemäß Konzernrichtlinie; vorläufig bis zum 5. Werktag.',
  'Multi-line\ndescription with a "quote" and a ; semicolon.',
  'See https://intranet.example/wiki/kpi?id=7&view=full',
] as const;

export const description = (random: Random, probability: number): string =>
  random.chance(probability) ? random.pick(DESCRIPTIONS) : '';

const SHEETS = [
  'Overview',
  'Details',
  'Trend',
  'Top 10',
  'What-if',
  'Map',
  'Year over year',
  'Exceptions',
  'KPIs',
  'Übersicht',
  'Détails',
  'Data quality',
  'Help',
  'My new sheet',
  'My new sheet (1)',
  'Ranking',
  'Drill-through',
] as const;

export const sheetName = (random: Random): string => oddly(random, random.pick(SHEETS), 0.06, true);
