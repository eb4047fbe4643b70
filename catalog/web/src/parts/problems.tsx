import type { BrokenFile } from '#catalog/api/contract.ts';
import { Scroll } from './panels.tsx';
import { Marked } from './text.tsx';

export type ConfigProblem = BrokenFile['status']['problems'][number];

/** How much of a long line is shown on each side of the place that is wrong. */
const SIDE = 60;

/** The part of the line around the column, and the caret's line: tabs stay tabs, so that the caret stands right. */
export const excerptWithCaret = (
  excerpt: string,
  column: number | undefined,
): { readonly line: string; readonly caret: string } => {
  const flat = excerpt.replace(/[\r\n]/g, ' ');
  if (column === undefined) {
    const long = flat.length > 3 * SIDE;
    return { line: long ? `${flat.slice(0, 3 * SIDE)}…` : flat, caret: '' };
  }
  const at = Math.min(column - 1, flat.length);
  const from = at > 2 * SIDE ? at - SIDE : 0;
  const to = flat.length > at + 2 * SIDE ? at + SIDE : flat.length;
  const before = `${from > 0 ? '…' : ''}${flat.slice(from, at)}`;
  const line = `${before}${flat.slice(at, to)}${to < flat.length ? '…' : ''}`;
  return { line, caret: `${before.replace(/[^\t]/g, ' ')}^` };
};

const place = ({ file, line, column }: ConfigProblem): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

const Problem = ({ problem }: { problem: ConfigProblem }) => {
  const excerpt = problem.excerpt === undefined ? undefined : excerptWithCaret(problem.excerpt, problem.column);
  const gutter = problem.line === undefined ? '' : `${problem.line} │ `;
  return (
    <li class={`problem ${problem.severity}`}>
      <p class="problem-head">
        <strong class="severity">{problem.severity === 'error' ? 'Error' : 'Warning'}</strong>
        <code class="place">
          <bdi>{place(problem)}</bdi>
        </code>
        <code class="code">{problem.code}</code>
      </p>
      <p class="problem-message">
        <Marked text={problem.message} />
      </p>
      {excerpt && (
        <Scroll label={problem.line === undefined ? 'The file' : `Line ${problem.line} of the file`} class="excerpt">
          <pre dir="ltr">
            {gutter}
            {excerpt.line}
            {excerpt.caret !== '' && (
              <span class="caret" aria-hidden="true">
                {`\n${' '.repeat(Math.max(0, gutter.length - 2))}${gutter === '' ? '' : '│ '}${excerpt.caret}`}
              </span>
            )}
          </pre>
        </Scroll>
      )}
      <p class="problem-advice">
        <strong>What to do:</strong> <Marked text={problem.advice} />
      </p>
    </li>
  );
};

/** What is wrong or odd in a connection file: errors first, each with its place, the line, and the fix. */
export const Problems = ({ problems }: { problems: readonly ConfigProblem[] }) =>
  problems.length === 0 ? null : (
    <ul class="problems">
      {problems
        .toSorted((a, b) => a.severity.localeCompare(b.severity))
        .map((problem, index) => (
          <Problem key={`${index} ${problem.code}`} problem={problem} />
        ))}
    </ul>
  );
