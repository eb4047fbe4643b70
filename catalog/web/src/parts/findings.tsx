import type { Asset, Finding, FindingCounts } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { cut, number } from '../format.ts';
import { assetLink, findingsLink, kindName } from '../kinds.ts';
import { type Concerns, useLoad, usePages } from '../load.ts';
import { ADVICE } from './finding-advice.ts';
import { Badge, ErrorPanel, type Tone } from './panels.tsx';
import { AssetName, Name, When } from './text.tsx';

export const TITLES = {
  'credential.in_clear': 'Credentials in clear',
  'reload.failed': 'Reloads that fail',
  'reload.overdue': 'Reloads that are late',
  'reload.never': 'Never reloaded',
  'field.missing': 'Fields that are not there',
  'measure.two_formulas': 'One name, several formulas',
  'owner.none': 'No owner',
  'owner.inactive': 'Owner who left',
  'owner.unknown': 'Owner unknown',
  'master_item.unused': 'Master items nobody uses',
} as const satisfies Record<Finding['code'], string>;

const TONES = { error: 'red', warning: 'amber', note: 'grey' } as const satisfies Record<Finding['severity'], Tone>;

const SHOWN_OF_APP = 8;
const MESSAGE_LIMIT = 700;

type Facts = Readonly<Record<string, unknown>>;
const listOf = (value: unknown): readonly Facts[] =>
  Array.isArray(value) ? value.filter((one): one is Facts => typeof one === 'object' && one !== null) : [];
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Where a measure with one of the formulas stands. */
const Use = ({ use }: { use: Facts }) => {
  const chart = textOf(use['chart']);
  return (
    <>
      <a href={assetLink(textOf(use['key']))}>
        {use['kind'] === 'masterMeasure' ? (
          'Master measure'
        ) : chart === '' ? (
          'Chart measure'
        ) : (
          <Name text={chart} limit={60} />
        )}
      </a>{' '}
      <span class="quiet">
        in <Name text={textOf(use['appName'])} limit={60} />
      </span>
    </>
  );
};

const Formulas = ({ facts }: { facts: Facts }) => {
  const formulas = listOf(facts['formulas']);
  return (
    <ol class="formulas">
      {formulas.map((formula, index) => {
        const uses = listOf(formula['uses']);
        const more = numberOf(formula['measures']) - uses.length;
        return (
          <li key={`${index}`}>
            <code class="expression" dir="ltr">
              {cut(textOf(formula['formula']), 400)}
            </code>
            <ul class="uses">
              {uses.map((use) => (
                <li key={textOf(use['key'])}>
                  <Use use={use} />
                </li>
              ))}
              {more > 0 && <li class="quiet">and {number(more)} more</li>}
            </ul>
          </li>
        );
      })}
      {numberOf(facts['count']) > formulas.length && (
        <li class="quiet">and {number(numberOf(facts['count']) - formulas.length)} more formulas</li>
      )}
    </ol>
  );
};

/** The lines of a script, each a way to it. */
const Places = ({ finding: { key, kind, facts } }: { finding: Finding }) => {
  if (kind !== 'scriptSection') return null;
  const from = Number(facts['from'] ?? 1);
  const places = listOf(facts['places']);
  return (
    <ul class="uses">
      {places.map((place, index) => {
        const line = from + numberOf(place['line']) - 1;
        return (
          <li key={`${index}`}>
            <a href={`${assetLink(key)}&line=${line}`}>Line {number(line)}</a>{' '}
            <span class="quiet">{textOf(place['kind'])}</span>
          </li>
        );
      })}
    </ul>
  );
};

const Tasks = ({ facts }: { facts: Facts }) => (
  <ul class="uses">
    {listOf(facts['tasks']).map((task) => (
      <li key={textOf(task['key'])}>
        <a href={assetLink(textOf(task['key']))}>
          Task <Name text={textOf(task['name'])} limit={80} />
        </a>{' '}
        {textOf(task['stopped']) !== '' && (
          <span class="quiet">
            <When time={textOf(task['stopped'])} />
          </span>
        )}{' '}
        {textOf(task['message']) !== '' && <Name text={textOf(task['message'])} limit={200} />}
      </li>
    ))}
  </ul>
);

const Details = ({ finding }: { finding: Finding }) => {
  switch (finding.code) {
    case 'measure.two_formulas':
      return <Formulas facts={finding.facts} />;
    case 'credential.in_clear':
      return <Places finding={finding} />;
    case 'reload.failed':
      return <Tasks facts={finding.facts} />;
    case 'reload.overdue':
      return <Tasks facts={{ tasks: [{ key: finding.facts['task'], name: finding.facts['taskName'] }] }} />;
    case 'owner.inactive':
      return (
        <p>
          <a href={assetLink(textOf(finding.facts['user']))}>The user</a>
        </p>
      );
    case 'field.missing':
    case 'owner.none':
    case 'owner.unknown':
    case 'reload.never':
    case 'master_item.unused':
      return null;
    default:
      return finding.code satisfies never;
  }
};

const Row = ({ finding, within }: { finding: Finding; within: string | undefined }) => (
  <li class={`finding is-${finding.severity}`}>
    <p class="finding-line">
      <Badge tone={TONES[finding.severity]}>{finding.severity}</Badge>
      <bdi class="finding-message">{cut(finding.message, MESSAGE_LIMIT)}</bdi>
      {finding.isNew && <Badge tone="blue">new</Badge>}
    </p>
    <p class="finding-place">
      <a href={assetLink(finding.key)}>
        <span class="kind">{kindName(finding.kind)}</span> <AssetName name={finding.name} assetKey={finding.key} />
      </a>
      {finding.app !== null && finding.app !== within && finding.app !== finding.key && (
        <span>
          in{' '}
          <a href={assetLink(finding.app)}>
            <Name text={finding.appName ?? ''} limit={80} />
          </a>
        </span>
      )}
      <span class="quiet">
        first seen <When time={finding.firstSeenAt} />
      </span>
    </p>
    <Details finding={finding} />
  </li>
);

/**
 * Findings, those of one kind together: what it means and what to do once, then each with the way to what it is about.
 * `within`: the app whose page they stand on.
 */
export const FindingRows = ({ items, within }: { items: readonly Finding[]; within?: string }) => {
  const kinds = new Map<Finding['code'], Finding[]>();
  for (const finding of items) kinds.set(finding.code, [...(kinds.get(finding.code) ?? []), finding]);
  return (
    <>
      {[...kinds].map(([code, list]) => (
        <section key={code} class="finding-kind" aria-label={TITLES[code]}>
          <h3>{TITLES[code]}</h3>
          <p class="quiet">{ADVICE[code]}</p>
          <ul class="findings">
            {list.map((finding) => (
              <Row key={`${finding.key} ${finding.message}`} finding={finding} within={within} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
};

export const ofConnection =
  (code: string): Concerns =>
  (change) =>
    (change.name === 'assets' && change.connection === code) || (change.name === 'connection' && change.code === code);

/** How many there are by code, each a way to them; nothing when there are none. */
export const CountedFindings = ({ code }: { code: string }) => {
  const { data, problem } = useLoad<FindingCounts>(
    withQuery('/api/v1/findings/counts', { connection: code }),
    ofConnection(code),
  );
  if (problem && data === undefined) return <ErrorPanel error={problem} title="The findings could not be counted" />;
  if (data === undefined) return null;
  if (data.items.length === 0) return <p class="quiet">Nothing that deserves a look was found.</p>;
  return (
    <ul class="counts">
      {data.items.map(({ code: kind, count, new: fresh }) => (
        <li key={kind}>
          <a href={findingsLink(code, { code: kind })}>
            <span class="count">{number(count)}</span> {TITLES[kind]}
            {fresh > 0 && <span class="blue-text"> ({number(fresh)} new)</span>}
          </a>
        </li>
      ))}
    </ul>
  );
};

/** What was found in an app; no such part of the page when there is nothing. */
export const AppFindings = ({ asset }: { asset: Asset }) => {
  const { data, problem, more } = usePages<Finding>(
    withQuery('/api/v1/findings', { app: asset.key, connection: asset.connection, limit: SHOWN_OF_APP }),
    ofConnection(asset.connection),
  );
  if (problem && data === undefined) return <ErrorPanel error={problem} title="The findings could not be read" />;
  if (data === undefined || data.length === 0) return null;
  const shown = data.slice(0, SHOWN_OF_APP);
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">Findings</h2>
      <FindingRows items={shown} within={asset.key} />
      {(more !== undefined || data.length > shown.length) && (
        <p>
          <a href={findingsLink(asset.connection, { app: asset.key })}>See all findings of this app</a>
        </p>
      )}
    </section>
  );
};
