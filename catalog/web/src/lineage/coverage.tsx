import type { Asset } from '#catalog/api/contract.ts';
import type { AppLineage } from '#protocol/lineage.ts';
import { number } from '../format.ts';
import { Badge, Fact, type Tone } from '../parts/panels.tsx';
import { Marked } from '../parts/text.tsx';
import { scriptLink } from './edge-detail.tsx';

type Told = { readonly [name: string]: unknown };
const isTold = (value: unknown): value is Told => typeof value === 'object' && value !== null && !Array.isArray(value);
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

const TONES = { error: 'red', warning: 'amber', info: 'grey' } as const satisfies Record<
  AppLineage['diagnostics'][number]['severity'],
  Tone
>;
const toneOf = (severity: unknown): Tone =>
  severity === 'error' || severity === 'warning' || severity === 'info' ? TONES[severity] : 'grey';

const Diagnostic = ({ app, told }: { app: string; told: Told }) => {
  const place = isTold(told['place']) ? told['place'] : undefined;
  const [line, end] = [numberOf(place?.['line']), numberOf(place?.['endLine'])];
  const isOwn = place?.['file'] === '';
  return (
    <li>
      <Badge tone={toneOf(told['severity'])}>{String(told['severity'])}</Badge>{' '}
      <Marked text={String(told['message'])} />{' '}
      {line > 0 &&
        (isOwn ? (
          <a href={scriptLink(`${app}/script`, line, end)}>Line {line}</a>
        ) : (
          <span class="quiet">
            line {line} of {String(place?.['file'])}
          </span>
        ))}{' '}
      <code class="code">{String(told['code'])}</code>
    </li>
  );
};

/** How well the script of an app was understood. What an agent of another release sends is shown as far as it is known. */
export const Coverage = ({ asset }: { asset: Asset }) => {
  const told = asset.attributes['lineage'];
  if (!isTold(told)) return null;
  const { coverage, diagnostics, diagnosticCount, cut } = told;
  const statements = isTold(told['statements']) ? told['statements'] : {};
  const [total, understood] = [numberOf(statements['total']), numberOf(statements['understood'])];
  const opaque = numberOf(statements['opaque']);
  const list: readonly Told[] = Array.isArray(diagnostics)
    ? diagnostics.filter((one): one is Told & typeof one => isTold(one))
    : [];
  const all = Math.max(list.length, numberOf(diagnosticCount));
  return (
    <section aria-labelledby="coverage" class="lineage-coverage">
      <h2 id="coverage">How well the script was understood</h2>
      <dl class="facts card">
        <Fact label="Fields with a known origin">
          {typeof coverage === 'number' ? (
            <>
              <meter min={0} max={1} low={0.5} high={0.9} optimum={1} value={coverage} aria-hidden="true" />{' '}
              <strong>{Math.floor(coverage * 1000) / 10} %</strong>
            </>
          ) : (
            <span class="quiet">not known</span>
          )}
        </Fact>
        <Fact label="Statements understood">
          {number(understood)} of {number(total)}
          {opaque > 0 && `, ${number(opaque)} of them only as a whole`}
        </Fact>
        {typeof cut === 'string' && (
          <Fact label="Cut short" wide>
            <Marked text={cut} />
          </Fact>
        )}
        {all > 0 && (
          <Fact label="What was not understood, or not for certain" wide>
            <details>
              <summary>
                {number(all)} {all === 1 ? 'remark' : 'remarks'}
              </summary>
              <ul class="plain-list">
                {list.map((one, index) => (
                  <Diagnostic key={`${index}`} app={asset.key} told={one} />
                ))}
                {all > list.length && <li class="quiet">and {number(all - list.length)} more</li>}
              </ul>
            </details>
          </Fact>
        )}
      </dl>
    </section>
  );
};
