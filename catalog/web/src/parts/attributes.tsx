import type { ComponentChildren } from 'preact';
import type { Asset } from '#catalog/api/contract.ts';
import { duration, exactTime, number, size, words } from '../format.ts';
import { assetLink } from '../kinds.ts';
import { Fact } from './panels.tsx';
import { LongText, When } from './text.tsx';

type Json = Asset['attributes'][string];

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;
/** Attributes that hold Qlik expressions or other code, whatever asset they are on. */
const CODE = /(^|[a-z])(expression|definition|statement|query|script|sql|formula)s?$/i;
const NESTED_LIMIT = 40;
/** Qlik's own way to say "never". */
const NEVER = '1753-01-01';

/** An address that may be linked: only http and https, so that no attribute of a site can run a script here. */
export const webLink = (value: Json | undefined): string | undefined => {
  if (typeof value !== 'string') return undefined;
  try {
    const { protocol, href } = new URL(value);
    return protocol === 'https:' || protocol === 'http:' ? href : undefined;
  } catch {
    return undefined;
  }
};

/** The load script that an asset carries. */
export const scriptOf = (
  asset: Asset,
): { readonly text: string; readonly attribute: string; readonly from: number } | undefined => {
  if (asset.kind !== 'script' && asset.kind !== 'scriptSection') return undefined;
  for (const attribute of ['text', 'script', 'source']) {
    const text = asset.attributes[attribute];
    const line = asset.attributes['line'];
    if (typeof text === 'string' && text !== '') return { text, attribute, from: typeof line === 'number' ? line : 1 };
  }
  return undefined;
};

const isCode = (name: string): boolean => CODE.test(name);
/** Whether the distance from now says more than the date itself. */
const isRecent = (time: string): boolean => Math.abs(Date.now() - Date.parse(time)) < 30 * 86_400_000;
const isPlain = (value: Json): boolean => value === null || typeof value !== 'object';

type Row = { readonly [name: string]: Json };
const COLUMNS = 8;
const SHORT_TABLE = 4;
const isFlat = (value: Json): value is Row =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  Object.keys(value).length <= COLUMNS &&
  Object.values(value).every((each) => isPlain(each));

/** A list of alike objects (the cells of a sheet, say) as a table. */
const Rows = ({ rows, site }: { rows: readonly Row[]; site: string }) => {
  const isText = (name: string): boolean => rows.some((row) => typeof row[name] === 'string');
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    .slice(0, COLUMNS)
    .sort((a, b) => Number(isText(b)) - Number(isText(a)));
  const table = (
    <div class="scroll">
      <table class="inner">
        <thead>
          <tr>
            {names.map((name) => (
              <th scope="col" key={name}>
                {words(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={`${index}`}>
              {names.map((name) => (
                <td key={name}>
                  <Value name={name} value={row[name] ?? null} depth={2} site={site} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  return rows.length <= SHORT_TABLE ? (
    table
  ) : (
    <details>
      <summary>{number(rows.length)} entries</summary>
      {table}
    </details>
  );
};

const PERSON = ['id', 'name', 'email', 'account'];

/** The owner of something: name, account and e-mail in one line. */
const isPerson = (value: Row): boolean =>
  'id' in value && 'name' in value && Object.keys(value).every((name) => PERSON.includes(name));

const Person = ({ person }: { person: Row }) => {
  const [first, ...rest] = [person['name'], person['account'], person['email']].filter(
    (each): each is string => typeof each === 'string' && each !== '',
  );
  return (
    <span title={String(person['id'])}>
      <bdi>{first ?? String(person['id'])}</bdi>
      {rest.map((each) => (
        <span class="quiet" key={each}>
          {' '}
          <bdi>{each}</bdi>
        </span>
      ))}
    </span>
  );
};

const Value = ({
  name,
  value,
  depth,
  site,
}: {
  name: string;
  value: Json;
  depth: number;
  site: string;
}): ComponentChildren => {
  if (value === null || value === '') return <span class="quiet">–</span>;
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'number') {
    if (name.endsWith('Bytes')) return <span title={`${number(value)} bytes`}>{size(value)}</span>;
    if (name.endsWith('Ms')) return <span title={`${number(value)} ms`}>{duration(value)}</span>;
    return number(value);
  }
  if (typeof value === 'string') {
    if (ISO_TIME.test(value)) {
      if (value.startsWith(NEVER)) return <span class="quiet">never</span>;
      return (
        <>
          <span class="exact">{exactTime(Date.parse(value))}</span>{' '}
          {isRecent(value) && (
            <span class="quiet exact">
              <When time={value} />
            </span>
          )}
        </>
      );
    }
    // The key of another asset of the same site (the app of a reload task, say).
    if (value.startsWith(`${site}/`) && !/\s/.test(value))
      return (
        <a href={assetLink(value)}>
          <bdi>{value}</bdi>
        </a>
      );
    const link = webLink(value);
    if (link !== undefined)
      return (
        <a class="long-link" href={link} target="_blank" rel="noreferrer">
          <bdi>{value}</bdi>
        </a>
      );
    return <LongText text={value} what={words(name)} code={isCode(name)} />;
  }
  if (Array.isArray(value) && value.length === 0) return <span class="quiet">none</span>;
  if (Array.isArray(value) && value.every(isPlain))
    return isCode(name) ? (
      <ul class="plain-list">
        {value.map((each, index) => (
          <li key={`${index} ${String(each).slice(0, 40)}`}>
            <LongText text={String(each)} what={words(name)} code />
          </li>
        ))}
      </ul>
    ) : (
      <span class="tags">
        {value.map((each, index) => (
          <span class="tag" key={`${index} ${String(each).slice(0, 40)}`}>
            <LongText text={String(each)} what={words(name)} />
          </span>
        ))}
      </span>
    );
  if (isFlat(value) && isPerson(value)) return <Person person={value} />;
  // Names in a nested object may be a person's own (custom properties): they are shown as they are.
  if (!Array.isArray(value) && depth < 2 && Object.keys(value).length <= NESTED_LIMIT)
    return (
      <dl class="nested">
        {Object.entries(value).map(([inner, each]) => (
          <div key={inner}>
            <dt>
              <bdi>{inner}</bdi>
            </dt>
            <dd>
              <Value name={inner} value={each} depth={depth + 1} site={site} />
            </dd>
          </div>
        ))}
      </dl>
    );
  if (Array.isArray(value) && value.length <= NESTED_LIMIT && value.every(isFlat))
    return <Rows rows={value} site={site} />;
  return <LongText text={JSON.stringify(value, null, 2)} what={words(name)} code />;
};

/** What matters most comes first; everything else follows by name. */
const FIRST = [
  'title',
  'subtitle',
  'description',
  'expression',
  'definition',
  'type',
  'owner',
  'stream',
  'published',
  'approved',
  'publishTime',
  'created',
  'modified',
  'lastReload',
  'sizeBytes',
];
const LABELS: Readonly<Record<string, string>> = { url: 'Address in Qlik' };

const rank = (name: string): number => {
  const at = FIRST.indexOf(name);
  return at < 0 ? FIRST.length : at;
};

const isWide = (name: string, value: Json): boolean =>
  isCode(name) ||
  (typeof value === 'object' && !(isFlat(value) && isPerson(value))) ||
  (typeof value === 'string' && value.length > 45);

/** The unit is in the value as it is shown: `sizeBytes` is called `Size`. */
const labelOf = (name: string): string => LABELS[name] ?? words(name.replace(/(?<=[a-z])(Bytes|Ms)$/, ''));

/** Everything that the crawl brought about an asset, what this page has never heard of included. */
export const Attributes = ({ asset, hidden }: { asset: Asset; hidden: readonly string[] }) => {
  const entries = Object.entries(asset.attributes)
    .filter(([name, value]) => !hidden.includes(name) && value !== '' && value !== null)
    .sort(
      ([a, left], [b, right]) =>
        rank(a) - rank(b) || Number(isWide(a, left)) - Number(isWide(b, right)) || a.localeCompare(b),
    );
  if (entries.length === 0) return null;
  return (
    <dl class="facts attributes">
      {entries.map(([name, value]) => (
        <Fact key={name} label={labelOf(name)} wide={isWide(name, value)}>
          <Value name={name} value={value} depth={0} site={asset.path[0]?.key ?? asset.key} />
        </Fact>
      ))}
    </dl>
  );
};
