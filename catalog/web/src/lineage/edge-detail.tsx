import type { LineageEdgeDetail, LineageLine } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { assetLink, EDGES } from '../kinds.ts';
import { useLoad } from '../load.ts';
import { ErrorPanel, Fact, Loading, Scroll } from '../parts/panels.tsx';
import { LongText, Name } from '../parts/text.tsx';
import { CONFIDENCE_WORDS, ROLE_WORDS } from './strokes.ts';

type Saying = LineageEdgeDetail['items'][number];

/** A place in a script, as the address of the script's page. */
export const scriptLink = (script: string, line: number, end: number): string =>
  `${assetLink(script)}&${new URLSearchParams({ line: String(line), end: String(end) })}`;

const lineWords = (line: number, end: number): string => (line === end ? `line ${line}` : `lines ${line} to ${end}`);

/** The lines that an edge was read from, and the way to the whole script. */
const ScriptLines = ({ saying: { script, lines, place, app } }: { saying: Saying }) => {
  if (place === undefined) return null;
  const where = `${lineWords(place.line, place.endLine)}${place.file === '' ? '' : ` of ${place.file}`}`;
  if (script === null)
    return (
      <Fact label="Read from" wide>
        {where} of the load script, whose text is not kept here.
      </Fact>
    );
  return (
    <Fact label="Read from" wide>
      <a href={scriptLink(script, place.line, place.endLine)}>Load script, {where}</a>
      {app !== null && lines.length > 0 && (
        <Scroll label={`Load script, ${where}`} class="code-lines lineage-lines">
          <pre class="line-numbers" aria-hidden="true">
            {lines.map(({ number }) => number).join('\n')}
          </pre>
          <pre class="line-text" dir="ltr">
            <code>{lines.map(({ text }) => text).join('\n')}</code>
          </pre>
        </Scroll>
      )}
    </Fact>
  );
};

const One = ({ saying }: { saying: Saying }) => {
  const { app, appName, role, roles, confidence, reasons, expression, conditional, unreachable, manual } = saying;
  const others = (roles ?? []).filter((one) => one !== role);
  return (
    <dl class="facts">
      {app !== null && (
        <Fact label="Known from the app">
          <a href={assetLink(app)}>
            <Name text={appName ?? app} limit={80} />
          </a>
        </Fact>
      )}
      {role !== undefined && (
        <Fact label="What is taken">{[role, ...others].map((one) => ROLE_WORDS[one]).join(', ')}</Fact>
      )}
      {confidence !== undefined && (
        <Fact label="Confidence">
          {CONFIDENCE_WORDS[confidence]}
          {(reasons ?? []).map((reason) => (
            <span key={reason}>
              {' '}
              <code class="code">{reason}</code>
            </span>
          ))}
        </Fact>
      )}
      {(conditional || unreachable || manual) && (
        <Fact label="Note">
          {[
            ...(conditional ? ['Holds only under a condition that the script alone does not decide.'] : []),
            ...(unreachable ? ['Stands where a reload never comes.'] : []),
            ...(manual ? ['Comes from the mapping file of an administrator.'] : []),
          ].join(' ')}
        </Fact>
      )}
      {expression !== undefined && (
        <Fact label="Expression" wide>
          <LongText text={expression} what="Expression" code />
        </Fact>
      )}
      <ScriptLines saying={saying} />
    </dl>
  );
};

/** What is said of one edge, by each app that says it. */
export const EdgeDetail = ({ edge, nameOf }: { edge: LineageLine; nameOf: (key: string) => string }) => {
  const { from, kind, to } = edge;
  const { data, problem, reload } = useLoad<LineageEdgeDetail>(
    withQuery('/api/v1/lineage/edge', { from, kind, to }),
    () => false,
  );
  return (
    <div class="lineage-edge">
      <p class="lineage-ends">
        <a href={assetLink(from)}>
          <Name text={nameOf(from)} limit={80} />
        </a>{' '}
        <span class="quiet">{EDGES[kind].out.toLowerCase()}</span>{' '}
        <a href={assetLink(to)}>
          <Name text={nameOf(to)} limit={80} />
        </a>
      </p>
      {problem && <ErrorPanel error={problem} title="It could not be read" onRetry={() => void reload()} />}
      {data === undefined
        ? problem === undefined && <Loading what="what is said of it" />
        : data.items.map((saying, index) => <One key={`${index} ${saying.app}`} saying={saying} />)}
    </div>
  );
};
